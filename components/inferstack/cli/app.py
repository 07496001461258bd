"""The commands put together, and how the process ends: exit codes, interrupts, closed pipes."""

from __future__ import annotations

import io
import signal
import sys

import typer

from ..errors import InferstackError
from . import calibrate, compare, diff, evaluate, images, levers, manifests, plan, preview, prices, schema, simulate, size, version

HELP = """\
From "serve this model, for this traffic, within this latency and budget" to a sized and priced LLM endpoint on EKS, GKE or a cluster
that you have.
"""

EPILOG = """\
\b
Examples:
  inferstack preview                       what stack dev would become
  inferstack plan -s prod --json           the plan of stack prod as data
  inferstack compare -s prod               where an API would be cheaper
  inferstack diff main -s prod             what this branch changes
  inferstack size Qwen/Qwen3-14B --rate 5  one model, on any GPU that is sold
  inferstack manifests -s prod -o build    its Kubernetes objects as files

\b
A stack is the name of a stack file in this folder (dev: Pulumi.dev.yaml), or
the path of one. Results go to standard output, diagnostics to standard error.

\b
Exit codes:
  0    fine
  2    bad input or no plan possible: each problem on a line, nothing created
  3    the plan stands and is printed, but a guard such as the budget says no
  130  interrupted
"""

app = typer.Typer(
    help=HELP,
    epilog=EPILOG,
    add_completion=False,
    no_args_is_help=True,
    # Plain help: it is instant, reads the same in a pipe, and errors stay one line that a log can hold.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.callback()(version.options)
app.command(short_help="What `pulumi up` would create, and its plan and costs.")(preview.preview)
app.command(short_help="Sizes, machines, costs and reasons; no resources.")(plan.plan)
app.command(short_help="Self-host or API, at this load and over all loads.")(compare.compare)
app.command(short_help="The plan put to the test: latencies under random or real traffic.")(simulate.simulate)
app.command(short_help="What changes between two stack files, revisions or plans.")(diff.diff)
app.command(short_help="What would make each service cheaper.")(levers.levers)
app.command(short_help="A plan for one model without a stack file.")(size.size)
app.command(short_help="Your own benchmark runs, made into corrections of the estimates.")(calibrate.calibrate)
app.command(short_help="Kubernetes objects, one YAML file each.")(manifests.manifests)
app.add_typer(images.app, name="images", short_help="The images of a stack by tag and digest, and their lock.")
app.add_typer(prices.app, name="prices", short_help="The price book: show it, or check it.")
app.command(short_help="JSON Schema of the stack file.")(schema.schema)
# Hidden: for those who check the estimates, not for those who use them.
app.command(hidden=True)(evaluate.evaluate)
app.command(short_help="The version of inferstack.")(version.version)


def run() -> None:
    """Parse the command line, run one command, exit."""
    # A reader that stops early (`| head`) ends this process quietly, as it does every other filter.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="inferstack")
    except InferstackError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
