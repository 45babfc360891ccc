"""The command line: names, options and exit codes as DESIGN § 4 fixes them.

0 done (warnings included), 1 failed or tampered, 2 usage or configuration, 75 try again later.
Errors go to stderr in one sentence with a remedy.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mailbot import __version__
from mailbot.errors import ConfigError, MailbotError, Transient

DONE, FAILED, USAGE, LATER = 0, 1, 2, 75


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    main = argparse.ArgumentParser(
        prog="mailbot",
        description="Finds privacy requests in a support mailbox, answers them after approval, "
        "and proves it.",
    )
    main.add_argument("--version", action="version", version=f"mailbot {__version__}")
    main.add_argument(
        "--config", type=Path, help="mailbot.toml (default: $MAILBOT_CONFIG, or config/)"
    )
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="the daemon")
    run.add_argument("--once", action="store_true", help="do one round and exit")

    check = commands.add_parser("check-config", help="every fault of the configuration at once")
    check.add_argument("--online", action="store_true", help="also sign in and connect everywhere")

    demo = commands.add_parser("demo", help="the whole story on embedded defaults")
    demo.add_argument("--keep", action="store_true", help="keep the folder and say where it is")

    for name, text in (
        ("classify", "which right, in which words"),
        ("read-reply", "what a reply of staff decides"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("file", nargs="*", type=Path, metavar="FILE.eml")
        command.add_argument("--jsonl", action="store_true", help="read a JSON object a line")
    parse = commands.add_parser("parse", help="a mail as mailbot reads it")
    parse.add_argument("file", nargs="+", type=Path, metavar="FILE.eml")

    deadline = commands.add_parser("deadline", help="the last day of a request")
    deadline.add_argument("received", help="e.g. 2026-11-24T16:00 (Oslo) or …Z")
    deadline.add_argument("--extended", action="store_true", help="with the two further months")

    discover = commands.add_parser("discover", help="propose the data map of a database")
    discover.add_argument(
        "database", nargs="+", metavar="DATABASE", help="its name in the data map, or a URL"
    )
    discover.add_argument("--write", action="store_true", help="add the proposal to datamap.toml")
    discover.add_argument("--json", action="store_true")

    locate = commands.add_parser("locate", help="a dry search for a person's records")
    for option, key in (
        ("--email", "A"),
        ("--name", "N"),
        ("--phone", "P"),
        ("--customer-no", "C"),
    ):
        locate.add_argument(option, action="append", default=[], metavar=key)
    locate.add_argument("--json", action="store_true")

    cases = commands.add_parser("cases", help="the case register")
    cases.add_argument("--json", action="store_true")
    show = commands.add_parser("show", help="one case, whole")
    show.add_argument("case", metavar="CASE")
    show.add_argument("--json", action="store_true")
    show.add_argument(
        "--dry-run", action="store_true", help="the statements that the plan would send"
    )
    show.add_argument(
        "--passphrase", action="store_true", help="also the passphrase of its access file"
    )
    assigned = commands.add_parser("assign", help="hand a case to one approver")
    assigned.add_argument("case", metavar="CASE")
    assigned.add_argument("approver", metavar="APPROVER", help="address or name")
    retry = commands.add_parser("retry", help="go on with what stopped for a person")
    retry.add_argument("case", metavar="CASE")

    hand_in = commands.add_parser("open", help="a request that came another way")
    hand_in.add_argument("file", nargs="?", type=Path, metavar="FILE.eml")
    hand_in.add_argument("--from", dest="sender", metavar="A", help="the person's e-mail address")
    hand_in.add_argument("--right", metavar="R", help="e.g. access, erasure")
    hand_in.add_argument(
        "--received", metavar="DATE", help="when it was received: the clock starts"
    )
    hand_in.add_argument("--name", metavar="N", help="the person's name")
    hand_in.add_argument("--text", metavar="T", help="what was asked, in words")
    hand_in.add_argument("--mailbox", metavar="NAME", help="the [[mailbox]] that answers")

    scan = commands.add_parser("scan", help="requests of the past with no answer found")
    scan.add_argument("--since", required=True, metavar="DATE", help="e.g. 2026-01-31")
    scan.add_argument("--mailbox", metavar="NAME", help="one [[mailbox]] only")
    scan.add_argument("--restart", action="store_true", help="forget an interrupted scan")
    scan.add_argument("--json", action="store_true")
    commands.add_parser("learn", help="try what staff taught, now")

    listed = commands.add_parser("suppression", help="a mailing list against the suppression list")
    listed_parts = listed.add_subparsers(dest="part", required=True, metavar="PART")
    check_list = listed_parts.add_parser("check", help="which rows of a CSV file are suppressed")
    check_list.add_argument("file", type=Path, metavar="FILE.csv")
    check_list.add_argument("--json", action="store_true")
    check_list.add_argument(
        "--clean", type=Path, metavar="OUT.csv", help="write the list without them"
    )

    reapply = commands.add_parser("reapply", help="after a restore: erase again, once approved")
    reapply.add_argument("--database", required=True, metavar="D")
    commands.add_parser("review", help="what is past its retention rule, put before an approver")
    lift = commands.add_parser("lift", help="lift the restriction of a case, after a warning")
    lift.add_argument("case", metavar="CASE")

    ledger = commands.add_parser("ledger", help="the hash-chained audit")
    parts = ledger.add_subparsers(dest="part", required=True, metavar="PART")
    parts.add_parser("verify", help="check the chain")
    export = parts.add_parser("export", help="a case as evidence")
    export.add_argument("case", metavar="CASE")
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is as above."""
    options = parser().parse_args(arguments)
    try:
        return _dispatch(options)
    except ConfigError as error:
        for problem in error.problems:
            print(f"mailbot: {problem}", file=sys.stderr)
        return USAGE
    except Transient as error:
        print(f"mailbot: {error}; try again later", file=sys.stderr)
        return LATER
    except MailbotError as error:
        print(f"mailbot: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader of our output went away (`mailbot cases | head`): nothing is wrong here.
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        return 130


def _dispatch(options: argparse.Namespace) -> int:
    # Imported as needed: `mailbot deadline` must not wait for a database driver.
    from mailbot import commands, texts

    match options.command:
        case "classify":
            return texts.classify(options.file, options.jsonl, options.config)
        case "parse":
            return texts.parse(options.file, options.config)
        case "read-reply":
            return texts.read_replies(options.file, options.jsonl, options.config)
        case "deadline":
            return texts.deadline(options.received, options.extended)
        case "demo":
            from mailbot.demo import demo

            return demo(keep=options.keep)
        case "discover":
            from mailbot.commands_discover import discover

            return discover(options.config, os.environ, options)
    settings = commands.settings_of(options.config, os.environ)
    match options.command:
        case "run":
            return commands.run(settings, os.environ, once=options.once)
        case "check-config":
            return commands.check_config(settings, os.environ, online=options.online)
        case "locate":
            from mailbot.commands_locate import locate

            return locate(settings, os.environ, options)
        case "cases":
            return commands.cases(settings, os.environ, as_json=options.json)
        case "show":
            return commands.show(settings, os.environ, options)
        case "retry":
            return commands.retry(settings, os.environ, options.case)
        case "open":
            from mailbot import commands_staff

            return commands_staff.open_case(settings, os.environ, options)
        case "scan":
            from mailbot import commands_scan

            return commands_scan.scan(settings, os.environ, options)
        case "learn":
            from mailbot import commands_staff

            return commands_staff.learn(settings, os.environ)
        case "reapply" | "review" | "lift" | "assign":
            from mailbot import commands_errands

            return commands_errands.run(settings, os.environ, options)
        case "suppression":
            from mailbot import campaigns

            return campaigns.suppression(settings, os.environ, options)
        case "ledger":
            return commands.ledger(settings, os.environ, options)
    raise AssertionError(f"a command without a branch: {options.command}")


if __name__ == "__main__":
    sys.exit(main())
