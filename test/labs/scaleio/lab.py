"""What the clients' scripts share: the place they find, checks as JSON lines, and questions to the test that runs them.

A script declares checks with @check("what holds") and ends with run(). Each check is tried in turn, and one line is
printed for it: {"check": …, "error": null or why it failed}. What a client can't do itself (restart the gateway, let
time pass, look at what the gateway holds behind its API) the test does for it: ask() prints {"ask": …} and reads the
answer from standard input.

clients.test.ts reads the declarations too, from the source, so each keeps to its one line; only=(…) names the versions
of the gateway that it is for.
"""

import base64
import contextlib
import hashlib
import importlib.metadata
import itertools
import json
import pathlib
import sys
import traceback
import types

# Where the gateway is and what it holds; clients.test.ts says what is in there.
place = types.SimpleNamespace(**json.loads(sys.argv[1]))

GIB_IN_KIB = 1024 * 1024

# The lines go to the real standard output; what a library prints must not come between them.
_lines = sys.stdout
sys.stdout = sys.stderr

_checks = []
_numbers = itertools.count(1)


def check(name, only=None):
    """Declares a check: a function that returns when what its name says holds, and raises otherwise."""

    def declare(function):
        if only is None or place.version in only:
            _checks.append((name, function))
        return function

    return declare


def run():
    for name, function in _checks:
        error = None
        try:
            function()
        except Exception:
            error = traceback.format_exc()
        _say(check=name, error=error)


def ask(what, **details):
    """Has the test do something, and returns its answer."""
    _say(ask=what, **details)
    answer = json.loads(sys.stdin.readline())
    if "error" in answer:
        raise AssertionError(f"{what}: {answer['error']}")
    return answer["result"]


def volume(volume_id):
    """A volume as the gateway holds it, None where there is none."""
    return ask("volume", id=volume_id)


def mappings(volume_id):
    """The mappings of a volume as the gateway holds them, by the id of the SDC."""
    return {each["sdcId"]: each for each in volume(volume_id)["mappedSdcInfo"] or []}


def fresh(prefix="lab"):
    """A name that no other check uses."""
    return f"{prefix}-{next(_numbers)}"


def released(distribution, module):
    """A module's file is the one that was released: its checksum is that in the distribution's own record."""
    path = pathlib.Path(module.__file__)
    (recorded,) = (each for each in importlib.metadata.files(distribution) if pathlib.Path(each.locate()) == path)
    checksum = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
    equal(checksum, recorded.hash.value, f"the checksum of {path}")


def equal(actual, expected, what="it"):
    if actual != expected or type(actual) is not type(expected):
        raise AssertionError(f"{what} is {actual!r}, not {expected!r}")


def true(condition, what):
    if condition is not True:
        raise AssertionError(f"not so: {what} ({condition!r})")


@contextlib.contextmanager
def raises(kind, *texts):
    """What is done within raises just this kind of exception, and its message has these texts in it."""
    try:
        yield
    except Exception as error:
        if type(error) is not kind:
            raise
        for text in texts:
            if text not in str(error):
                raise AssertionError(f"{text!r} is not in the error: {error}") from error
    else:
        raise AssertionError(f"nothing was raised, where {kind.__name__} {texts} should have been")


def _say(**line):
    print(json.dumps(line), file=_lines, flush=True)
