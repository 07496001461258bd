"""Fails in the way that its config asks for, after one resource."""

import sys

import pulumi

pulumi.CustomResource("cloud:app:Service", "first", {"token": pulumi.Config().get_secret("token")})
pulumi.export("plan", {"made": True})


def explode(token: str | None = None) -> None:
    raise ValueError(f"the answer is not {token}")


match pulumi.Config().require("way"):
    case "run-error":
        raise pulumi.RunError("no such model\nno such GPU")
    case "exception":
        explode(pulumi.Config().get("token"))
    case "apply":
        pulumi.Output.from_input(5).apply(lambda _: explode())
    case "duplicate":
        pulumi.CustomResource("cloud:app:Service", "first")
    case "input":
        from inferstack.errors import InputError, Problem

        raise InputError([Problem("x", "is wrong")], "file.yaml")
    case "caused":
        from inferstack.errors import InferstackError

        try:
            raise InferstackError("inside")
        except InferstackError as error:
            raise pulumi.RunError("as a component says it") from error
    case "guard":
        from inferstack.errors import GuardError

        raise pulumi.RunError("too dear") from GuardError("too dear")
    case "exit":
        sys.exit(int(pulumi.Config().get("code") or "3"))
    case "import":
        import no_such_module  # noqa: F401
    case _:
        pass
