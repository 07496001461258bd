"""Secrets, unknowns, assets and numbers, alone and inside one another."""

import json

import pulumi

token = pulumi.Output.secret("s3cret-token")
database = pulumi.CustomResource("cloud:db:Database", "database", {"password": token, "endpoint": None, "size": 3, "share": 0.5})
applied: list[str] = []
pulumi.CustomResource(
    "cloud:app:Service",
    "service",
    {
        "env": [{"name": "TOKEN", "value": token}, {"name": "URL", "value": pulumi.Output.concat("http://", database.id, "/v1")}],
        "settings": pulumi.Output.json_dumps({"token": token}),
        "plainly": "the token is s3cret-token",
        "encoded": "czNjcmV0LXRva2Vu",
        "document": json.dumps({"text": "s3cret-token"}),
        "script": pulumi.StringAsset("echo hello"),
        "folder": pulumi.FileArchive("./folder"),
        "nested": {"list": [1, 2.5, True, None, "x"]},
        "database": database,
    },
)
database.id.apply(applied.append)
pulumi.export("id", database.id)
pulumi.export("token", token)
pulumi.export("size", 3)
pulumi.export("derived", database.id.apply(lambda id: f"never-run-{id}"))
pulumi.export("mixed", {"secret": token, "plain": 1, "unknown": database.id})
pulumi.export("applied", applied)
# A component of another language: its inputs travel with what is secret, unknown and depended on in each of them.
pulumi.ComponentResource(
    "other:index:Remote",
    "remote",
    {"token": token, "id": database.id, "known": pulumi.Output.from_input("x"), "mixed": pulumi.Output.all(token, database.id)},
    remote=True,
)
