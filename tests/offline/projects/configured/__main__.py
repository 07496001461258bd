"""Exports everything it was configured with."""

import pulumi
from pulumi.runtime import config as runtime

config = pulumi.Config()
pulumi.export("all", dict(sorted(runtime.CONFIG.get().items())))
pulumi.export("count", config.require_int("count"))
pulumi.export("shape", config.require_object("shape"))
pulumi.export("flag", config.get_bool("flag"))
pulumi.export("secrets", sorted(key for key in runtime.CONFIG.get() if runtime.is_config_secret(key)))
pulumi.export("token", config.get_secret("token"))
pulumi.export("leaked", f"Bearer {config.get('token')}")
pulumi.export("stack", [pulumi.get_stack(), pulumi.get_project(), pulumi.get_organization(), pulumi.runtime.is_dry_run()])
