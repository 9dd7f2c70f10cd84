"""What IBM's published Python SDKs know of each operation: fields, parameters.

    python ibm_models.py > crates/region/tests/it/ibm_models.json

Run it in the environment that `conformance/run` makes, after requirements.txt has named newer
SDKs; `docs/compatibility.md` counts against the result. Reads the classes' source, and runs none
of it.
"""

import ast
import importlib.metadata
import importlib.util
import json
import re

SOURCES = [
    ("ibm-vpc", "ibm_vpc.vpc_v1", "VpcV1"),
    ("ibm-platform-services", "ibm_platform_services.resource_manager_v2", "ResourceManagerV2"),
    ("ibm-platform-services", "ibm_platform_services.resource_controller_v2", "ResourceControllerV2"),
    ("ibm-platform-services", "ibm_platform_services.global_tagging_v1", "GlobalTaggingV1"),
    ("ibm-platform-services", "ibm_platform_services.global_search_v2", "GlobalSearchV2"),
]
# Sent by the SDK itself.
ALWAYS = {"version", "generation"}


def fields(model):
    """The JSON fields of a class: what from_dict looks for."""
    found = set()
    for node in ast.walk(model):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "_dict"
        ):
            found.add(node.args[0].value)
    return found


def keys(function, name):
    """The keys of the dict that a method keeps in a variable."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            if [target.id for target in node.targets if isinstance(target, ast.Name)] == [name]:
                return {key.value for key in node.value.keys}
    return set()


class Source:
    """A module of an SDK."""

    def __init__(self, module):
        path = importlib.util.find_spec(module).origin
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def all_fields(self, name):
        """The fields of a class and of all that are made of it: alternatives, together."""
        model = self.classes.get(name)
        if model is None:
            return set()
        found = fields(model)
        for other in self.classes.values():
            if name in [base.id for base in other.bases if isinstance(base, ast.Name)]:
                found |= self.all_fields(other.name)
        return found

    def operation(self, method):
        """Parameters of the query, fields of the body and of the answer."""
        body = keys(method, "data")
        for argument in method.args.args:
            kind = argument.annotation
            if isinstance(kind, ast.Constant) and kind.value in self.classes:
                if re.search(r"(_prototype|_patch|_identity)$", argument.arg):
                    body |= self.all_fields(kind.value)
            if argument.arg.endswith("_patch") and not body:
                words = argument.arg.split("_")
                for name in self.classes:
                    if name.lower() == "".join(words):
                        body |= self.all_fields(name)
        answer = re.search(r"representing a `(\w+)` object", ast.get_docstring(method) or "")
        entry = {"parameters": sorted(keys(method, "params") - ALWAYS), "body": sorted(body)}
        entry = {name: value for name, value in entry.items() if value}
        if answer:
            entry["answer"] = answer[1]
        return entry


def main():
    """Prints the file."""
    operations = {}
    models = {}
    versions = {}
    for package, module, client in SOURCES:
        versions[package] = importlib.metadata.version(package)
        source = Source(module)
        for method in source.classes[client].body:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                if any(isinstance(node, ast.Return) for node in ast.walk(method)):
                    entry = operations[method.name] = source.operation(method)
                    if "answer" in entry:
                        models[entry["answer"]] = sorted(source.all_fields(entry["answer"]))
    del operations["new_instance"]
    print('{\n"source": ' + json.dumps(versions, sort_keys=True))
    for part, found in (("models", models), ("operations", operations)):
        lines = [
            json.dumps(name) + ": " + json.dumps(found[name], sort_keys=True)
            for name in sorted(found)
        ]
        print(f',"{part}": {{\n' + ",\n".join(lines) + "\n}")
    print("}")


if __name__ == "__main__":
    main()
