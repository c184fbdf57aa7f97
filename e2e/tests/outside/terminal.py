"""Checks JSON, a document a line, against a schema that names every field: `terminal.py SCHEMA < LINES`."""

import json
import sys

import jsonschema


def close(part):
    """Lets no object of the schema hold what the schema does not name."""
    if isinstance(part, dict):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
        for inner in part.values():
            close(inner)
    elif isinstance(part, list):
        for inner in part:
            close(inner)


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
close(schema)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
lines = 0
for line in sys.stdin:
    document = json.loads(line)
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]
    if errors:
        sys.exit(f"line {lines + 1}: {errors[:5]}")
    lines += 1
print(lines)
