"""The program that Pulumi runs: read the stack file, plan it, build it, export what came of it."""

from stacks import deploy

deploy()
