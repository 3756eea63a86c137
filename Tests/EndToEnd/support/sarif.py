"""Holds a SARIF file against the object model of sarif-om, which is generated from the standard's JSON Schema."""

import attr
import sarif_om

# Which class of the model stands at a property; a list of them, or a dictionary, is of that class.
CLASSES = {
    "runs": "Run", "tool": "Tool", "driver": "ToolComponent", "rules": "ReportingDescriptor", "results": "Result", "message": "Message",
    "locations": "Location", "relatedLocations": "Location", "physicalLocation": "PhysicalLocation", "artifactLocation": "ArtifactLocation",
    "region": "Region", "invocations": "Invocation", "suppressions": "Suppression", "shortDescription": "MultiformatMessageString",
    "fullDescription": "MultiformatMessageString", "help": "MultiformatMessageString"}
DICTIONARIES = {"originalUriBaseIds": "ArtifactLocation", "partialFingerprints": None}


def check(value, name="SarifLog", place="$"):
    """Fails on a property that the model does not know, or on one that it requires and that is not there."""
    fields = {field.metadata["schema_property_name"]: field for field in attr.fields(getattr(sarif_om, name))}
    for key, inner in value.items():
        if key not in fields:
            raise AssertionError(f"{place}.{key}: {name} has no such property")
        if key in DICTIONARIES:
            for entry in inner.values():
                if DICTIONARIES[key]:
                    check(entry, DICTIONARIES[key], f"{place}.{key}")
        elif key in CLASSES:
            for entry in inner if isinstance(inner, list) else [inner]:
                check(entry, CLASSES[key], f"{place}.{key}")
        elif isinstance(inner, dict) or isinstance(inner, list) and any(isinstance(entry, dict) for entry in inner):
            raise AssertionError(f"{place}.{key}: not checked")
    for key, field in fields.items():
        if field.default is attr.NOTHING and key not in value:
            raise AssertionError(f"{place}: {name} needs {key}")
