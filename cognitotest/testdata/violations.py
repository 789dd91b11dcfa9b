"""Writes violations.txt: one wrong request for every way in which a member of an
operation can break the service's model, with what must come back.

It is a second reading of the model, by botocore, and shares nothing with the
package that it tests:

    python3 testdata/violations.py SignUp GetUser ... >testdata/violations.txt

Lines, with fields separated by tabs:

    # botocore <version> <digest of the model>
    operation  <name>  <a request that breaks nothing>
    <members to put in the request; null takes one away>  <the error>

"~a*33~" stands for 33 times a. The error is the whole message of an
InvalidParameterException, or SerializationException.
"""

import copy
import functools
import hashlib
import json
import re
import sys
import unicodedata

import botocore
import botocore.loaders
from botocore.model import ServiceModel
from botocore.validate import ParamValidator


@functools.cache
def category(letter):
    """The ranges of a Unicode category, for a class of package re."""
    ranges, start = [], None
    for c in range(0x110001):
        inside = c <= 0x10FFFF and unicodedata.category(chr(c)).startswith(letter)
        if inside and start is None:
            start = c
        elif not inside and start is not None:
            ranges.append((start, c - 1))
            start = None
    return "".join("\\U%08x-\\U%08x" % r for r in ranges)


@functools.cache
def compiled(pattern):
    return re.compile(re.sub(r"\\p\{(\w)\}", lambda m: category(m[1]), pattern), re.ASCII)


def matches(shape, value):
    pattern = shape.metadata.get("pattern")
    return not pattern or compiled(pattern).fullmatch(value) is not None


def is_scalar(shape):
    return shape.type_name not in ("structure", "list", "map")


def is_sensitive(shape):
    return bool(shape.metadata.get("sensitive"))


def in_bounds(shape, n):
    return shape.metadata.get("min", n) <= n <= shape.metadata.get("max", n)


SAMPLES = ["a", "us-east-1_a", "arn:aws:lambda:us-east-1:000000000000:function:a", "a_0", "{####}",
           "{##a##}", "a@b", "{username} {####}", "0"]


@functools.cache
def text(name, wanted=None):
    """A value that breaks nothing, of a certain length if one is wanted."""
    shape = MODEL.shape_for(name)
    least = shape.metadata.get("min", 0)
    for s in SAMPLES:
        for filler in "a0":
            n = wanted if wanted is not None else max(least, len(s))
            for value in (s + filler * (n - len(s)), filler * (n - len(s)) + s):
                if len(value) == n and matches(shape, value):
                    return value
    raise ValueError(f"no sample for {name} of length {wanted}")


def sample(shape):
    kind = shape.type_name
    if kind == "structure":
        return {m: sample(shape.members[m]) for m in shape.required_members}
    if kind == "list":
        return [sample(shape.member)] * max(1, shape.metadata.get("min", 1))
    if kind == "map":
        return {text(shape.key.name): sample(shape.value)}
    if kind == "string":
        return shape.enum[0] if shape.enum else text(shape.name)
    if kind in ("integer", "long"):
        return shape.metadata.get("min", 1)
    return True


def broken(shape, value):
    """The constraints that a value of the right kind breaks, in the service's order."""
    if shape.type_name in ("integer", "long"):
        return bounds(shape, value, "value")
    if shape.type_name != "string":
        return []
    if shape.enum:
        return [] if value in shape.enum else [enum_text(shape)]
    pattern = [] if matches(shape, value) else [pattern_text(shape)]
    return pattern + bounds(shape, len(value), "length")


def bounds(shape, n, what):
    found = []
    if n > shape.metadata.get("max", n):
        found.append(f"Member must have {what} less than or equal to {shape.metadata['max']}")
    if n < shape.metadata.get("min", n):
        found.append(f"Member must have {what} greater than or equal to {shape.metadata['min']}")
    return found


def pattern_text(shape):
    return "Member must satisfy regular expression pattern: " + shape.metadata["pattern"]


def enum_text(shape):
    return "Member must satisfy enum value set: [" + ", ".join(shape.enum) + "]"


def all_constraints(shape):
    what = "value" if shape.type_name in ("integer", "long") else "length"
    found = []
    if "max" in shape.metadata:
        found += bounds(shape, shape.metadata["max"] + 1, what)
    if "min" in shape.metadata:
        found += bounds(shape, shape.metadata["min"] - 1, what)
    if shape.metadata.get("pattern"):
        found.append(pattern_text(shape))
    if getattr(shape, "enum", None):
        found.append(enum_text(shape))
    return "[" + ", ".join(found) + "]"


def wrong_values(shape):
    """Values of the right kind that break a constraint each."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name in ("integer", "long"):
        return [n for n in (None if low is None else low - 1, None if high is None else high + 1) if n is not None]
    if shape.type_name != "string":
        return []
    if shape.enum:
        return ["NOPE"]
    found = []
    if high is not None:
        found.append(text(shape.name, high + 1))
    if low:
        found.append("a" * (low - 1))
    if shape.metadata.get("pattern"):
        n = max(low or 0, 1)
        for c in (" ", "\u20ac", "\x01", "{", "\xa0", "_"):
            if in_bounds(shape, n) and not matches(shape, c * n):
                found.append(c * n)
                break
    return found


def wrong_kind(shape):
    return {"structure": [], "list": {}, "map": [], "string": 1, "boolean": "true"}.get(shape.type_name, "1")


def java(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(java, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={java(v)}" for k, v in sorted(value.items())) + "}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def told(path, sensitive, value, constraint):
    shown = java(value)
    if len(shown) > 4096:  # the one thing that the package does in its own way
        shown = shown[:256] + "..."
    shown = "" if sensitive else " null" if value is None else f" '{shown}'"
    return f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}"


def message(violations):
    if len(violations) == 1:
        return "1 validation error detected: " + violations[0]
    return f"{len(violations)} validation errors detected: " + "; ".join(violations)


def lower(name):
    return name[0].lower() + name[1:]


def breaks(shape, path):
    """Yields (value, violations or None for another kind) for a value in this place."""
    yield wrong_kind(shape), None
    if is_scalar(shape):
        for value in wrong_values(shape):
            yield value, [told(path, is_sensitive(shape), value, c) for c in broken(shape, value)]
    elif shape.type_name == "structure":
        for name in shape.required_members:
            value = sample(shape)
            del value[name]
            yield value, [told(f"{path}.{lower(name)}", is_sensitive(shape.members[name]), None, "Member must not be null")]
        for name, member in shape.members.items():
            for inner, violations in breaks(member, f"{path}.{lower(name)}"):
                value = sample(shape)
                value[name] = inner
                yield value, violations
    elif shape.type_name == "list":
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        sizes = ([low - 1] if low else []) + ([high + 1] if high is not None else [])
        for n in sizes:
            value = [sample(shape.member)] * n
            yield value, [told(path, is_sensitive(shape), value, c) for c in bounds(shape, n, "length")]
        if is_scalar(shape.member):
            hidden = is_sensitive(shape) or is_sensitive(shape.member)
            for inner in wrong_values(shape.member):
                yield [inner], [told(path, hidden, [inner], "Member must satisfy constraint: " + all_constraints(shape.member))]
            yield [wrong_kind(shape.member)], None
        else:
            for inner, violations in breaks(shape.member, f"{path}.1.member"):
                yield [inner], violations
    elif shape.type_name == "map" and is_scalar(shape.value):
        hidden = is_sensitive(shape)
        for inner in wrong_values(shape.key):
            value = {inner: sample(shape.value)}
            yield value, [told(path, hidden or is_sensitive(shape.key), value, "Map keys must satisfy constraint: " + all_constraints(shape.key))]
        for inner in wrong_values(shape.value):
            value = {text(shape.key.name): inner}
            yield value, [told(path, hidden or is_sensitive(shape.value), value, "Map value must satisfy constraint: " + all_constraints(shape.value))]
        yield {text(shape.key.name): wrong_kind(shape.value)}, None


def short(s):
    return re.sub(r"(?<![~])([a0 ])\1{39,}", lambda m: f"~{m[1]}*{len(m[0])}~", s)


def agree(shape, request, violations):
    """What botocore's own validator knows, it must find: kinds, required members, least lengths and values."""
    known = violations is None or any("must not be null" in v or "constraint: Member must have" in v and "greater than" in v
                                      for v in violations)
    if known and not ParamValidator().validate(request, shape).has_errors():
        raise AssertionError(f"botocore takes {json.dumps(request)[:300]}, expected {violations}")


def main():
    data = json.dumps(LOADED, sort_keys=True).encode()
    print("# botocore", botocore.__version__, hashlib.sha256(data).hexdigest())
    for name in sys.argv[1:]:
        shape = MODEL.operation_model(name).input_shape
        base = sample(shape)
        if ParamValidator().validate(base, shape).has_errors():
            raise AssertionError(f"the sample of {name} breaks something")
        print("operation", name, short(json.dumps(base)), sep="\t")

        def emit(change, violations):
            request = {k: v for k, v in {**copy.deepcopy(base), **change}.items() if v is not None}
            agree(shape, request, violations)
            want = "SerializationException" if violations is None else message(violations)
            print(short(json.dumps(change)), short(want), sep="\t")

        missing = [m for m in shape.members if m in shape.required_members]
        for m in missing:
            emit({m: None}, [told(lower(m), is_sensitive(shape.members[m]), None, "Member must not be null")])
        if len(missing) > 1:
            emit({m: None for m in missing},
                 [told(lower(m), is_sensitive(shape.members[m]), None, "Member must not be null") for m in missing])
        for m, member in shape.members.items():
            for value, violations in breaks(member, lower(m)):
                emit({m: value}, violations)


LOADED = botocore.loaders.create_loader().load_service_model("cognito-idp", "service-2")
MODEL = ServiceModel(LOADED)

if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
