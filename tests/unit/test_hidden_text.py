"""Ways in which HTML mail says one thing to a reader and another to a machine."""

import time

import pytest

from mailbot.mailtext.html import render


def seen(source: str) -> tuple[str, tuple[str, ...]]:
    found = render(source)
    return " ".join(line.text for line in found.lines if line.text), found.notes


HIDDEN = [
    # declarations, plainly and disguised
    '<p style="d\\69splay:none">x</p>',
    '<p style="display:/* */none">x</p>',
    '<p style="display:n\\6f ne">x</p>',
    '<p style="display:none!important;display:block">x</p>',
    '<p style="&#100;isplay:none">x</p>',
    '<p style="mso-hide:all">x</p>',
    '<p style="visibility:collapse">x</p>',
    '<p style="opacity:0%">x</p>',
    '<p style="opacity:.01">x</p>',
    '<p style="filter:opacity(0)">x</p>',
    '<p style="font-size:0.1px">x</p>',
    '<p style="font-size:1px;color:#333">x</p>',
    '<p style="color:transparent">x</p>',
    '<p style="color:rgba(0,0,0,0)">x</p>',
    '<p style="color:rgb(0 0 0 / 0%)">x</p>',
    '<p style="-webkit-text-fill-color:transparent">x</p>',
    '<p style="color:hsl(0,0%,100%)">x</p>',
    '<p style="color:rgb(100%,100%,100%)">x</p>',
    '<p style="color:mintcream">x</p>',
    '<p style="background:darkslateblue;color:#483d8b">x</p>',
    '<p style="height:0;overflow:hidden">x</p>',
    '<p style="width:1px;overflow:clip">x</p>',
    '<p style="line-height:0;overflow:hidden">x</p>',
    '<p style="text-indent:-100em">x</p>',
    '<p style="position:absolute;left:-100em">x</p>',
    '<p style="position:absolute;top:-9999px">x</p>',
    '<p style="position:fixed;left:20000px">x</p>',
    '<p style="margin-left:-9999px">x</p>',
    '<p style="clip:rect(0,0,0,0);position:absolute">x</p>',
    '<p style="clip-path:inset(100%)">x</p>',
    '<p style="clip-path:circle(0)">x</p>',
    '<p style="transform:scale(0)">x</p>',
    '<p style="transform:translateX(-9999px)">x</p>',
    '<table width="0" height="0"><tr><td>x</td></tr></table>',
    # sheets
    "<style>.a .b{display:none}</style><div class=a><i><p class=b>x</p></i></div>",
    "<style>div>p{display:none}</style><div><p>x</p></div>",
    "<style>a>b c{display:none}</style><a><b><b><c>x</c></b></b></a>",
    "<style>.a.b{display:none}</style><p class='b a'>x</p>",
    "<style>p{display:none}</style><p>x</p>",
    "<style>.s{color:#fff !important}</style><p class=s style='color:black'>x</p>",
    "<style>#i{display:none}.c{display:block}</style><p id=i class=c>x</p>",
    "<style>@media all{.h{display:none}}</style><p class=h>x</p>",
    "<style>@media screen{.h{display:none}}</style><p class=h>x</p>",
    "<style>@charset 'x';.h{display:none}</style><p class=h>x</p>",
    "<style>.\\68 {display:none}</style><p class=h>x</p>",
    "<style>.h{display:none</style><p class=h>x</p>",
    "<style><!-- .h{display:none} --></style><p class=h>x</p>",
]


@pytest.mark.parametrize("source", HIDDEN)
def test_hidden_words_are_no_text_and_are_noted(source):
    text, notes = seen(f"<body>{source}<i>etter</i>")
    assert "x" not in text
    assert "etter" in text
    assert {"hidden-text", "hidden-words"} <= set(notes)


SHOWN = [
    "<style>.a .b{display:none}</style><div class=b><p class=a>x</p></div>",
    "<style>div>p{display:none}</style><div><i><p>x</p></i></div>",
    "<style>a:hover{color:#fff}.x:visited{display:none}</style><a class=x>x</a>",
    "<style>@media print{p{display:none}}</style><p>x</p>",
    "<style media=print>p{display:none}</style><p>x</p>",
    "<style>@font-face{font-family:x;src:url(y)} @page{margin:0}</style><p>x</p>",
    "<style>#i{display:block}.c{display:none}</style><p id=i class=c>x</p>",
    "<style>p{color:#fff}</style><p style='color:#000'>x</p>",
    "<style>.c{color:#fff!important}</style><p>x</p>",
    '<p style="margin-left:-5px;text-indent:-18.0pt">x</p>',
    '<p style="position:relative;left:-4px;top:1px">x</p>',
    '<p style="line-height:0">x</p>',
    '<p style="letter-spacing:-.2px">x</p>',
    '<p style="transform:translate(4px,2px)">x</p>',
    '<p style="color:hsl(210,50%,40%)">x</p>',
    '<p style="background:navy;color:azure">x</p>',
    '<p style="background-image:url(a.png);color:white">x</p>',
    '<p style="width:0">x</p>',
    "<!--[if !mso]><!--><p>x</p><!--<![endif]-->",
    "<body><!--[if gte mso 9]><xml><o:p>72</o:p></xml><![endif]--><p>x</p>",
    "<body><!--[if mso]><table><tr><td width=600><![endif]--><p>x</p>",
]


@pytest.mark.parametrize("source", SHOWN)
def test_what_is_seen_is_text_and_nothing_is_said(source):
    text, notes = seen(source)
    assert "x" in text
    assert "hidden-words" not in notes


DOUBTFUL = [
    "<style>@media (max-width:600px){.h{display:none}}</style><p class=h>x</p>",
    "<style>@supports (display:grid){.h{display:none}}</style><p class=h>x</p>",
    "<style>p[data-x]{display:none}</style><p>x</p>",
    "<style>p:nth-child(1){display:none}</style><p>x</p>",
    "<style>i + p{display:none}</style><i></i><p>x</p>",
    '<p aria-hidden="true">x</p>',
    '<p style="font-size:calc(1px - 1px)">x</p>',
    '<p style="display:var(--d)">x</p>',
    '<p style="letter-spacing:-1em">x</p>',
    '<p style="content-visibility:hidden">x</p>',
    "<details><p>x</p></details>",
    "<dialog>x</dialog>",
    "<video>x</video>",
]


@pytest.mark.parametrize("source", DOUBTFUL)
def test_what_some_programs_hide_is_read_and_trusted_by_nobody(source):
    text, notes = seen(source)
    assert "x" in text
    assert "hidden-words" in notes


def test_words_for_outlook_alone_are_told():
    _, notes = seen("<body><p>Avvist</p><!--[if mso]><p>Godkjent</p><![endif]--></body>")
    assert "hidden-words" in notes


def test_words_hidden_in_a_quote_are_told_but_are_not_the_senders():
    _, notes = seen('<p>Ja</p><blockquote><p style="display:none">x</p></blockquote>')
    assert "hidden-text" in notes
    assert "hidden-words" not in notes


@pytest.mark.parametrize(
    "source",
    [
        "<style>" + ".a{color:#fff}" * 3000 + "</style>" + "<p class=a>x" * 50_000,
        "<style>" + " ".join("*" * 140) + "{color:red}</style>" + "<b>" * 500 + "<i></i>" * 100_000,
        "<style>" + "a b c d," * 3000 + "e{display:none}</style>" + "<a><b><c><e>x" * 20_000,
        "<style>" + "{" * 100_000 + "</style>x",
        "<style>" + "@media{" * 20_000 + "</style>x",
        "<style>" * 40_000,
        '<p style="' + "color:red;" * 100_000 + '">x',
        '<p style="' + "\\" * 100_000 + '">x',
        '<p style="' + "/*" * 100_000 + '">x',
        '<p style="color:rgb(' + "1" * 100_000 + '">x',
        '<p style="width:' + "1" * 100_000 + '">x',
        "<!--[if mso]>" + "<" * 100_000 + "<![endif]-->x",
        "<!--[if mso]>" + "<xml>" * 20_000 + "<![endif]-->x",
        "<p>" * 400_000,
        "<a b=" * 200_000,
        "</p" * 300_000,
        "<!" * 300_000,
        "&#x" * 300_000,
        "<font color='" * 100_000,
    ],
    ids=range(19),
)
def test_pages_made_to_be_slow_are_not(source):
    start = time.process_time()
    render(source)
    assert time.process_time() - start < 2
