"""Understanding a mail: sentence split, language id, features, linear models, a small grammar."""
