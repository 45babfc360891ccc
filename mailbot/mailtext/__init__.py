"""Reading mail: headers, bodies, quotes, authenticity, and what staff decide in a reply."""
