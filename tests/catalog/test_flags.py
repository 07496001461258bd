"""The options of engines' programs: found by any spelling, with their successors and neighbours."""

from __future__ import annotations

import pytest

from inferstack import catalog
from inferstack.catalog.tables import DATA

ENGINES = sorted(path.stem for path in (DATA / "flags").glob("*.json"))


@pytest.mark.parametrize("engine", ENGINES)
def test_tables_are_whole(engine: str) -> None:
    """Every table belongs to an engine of the catalog, says where it is from, and no alias of one option is the name of another."""
    table = catalog.engine_flags(engine)
    assert table.engine == engine
    assert table.style in ("equals", "words", "environment", "keywords")
    assert table.source
    assert table.as_of
    names = set(table.flags)
    assert not names & {alias for flag in table.flags.values() for alias in flag.aliases if alias not in (flag.name,)}
    assert {flag.type for flag in table.flags.values()} <= {"bool", "int", "float", "size", "json", "str"}
    assert not any(flag.choices for flag in table.flags.values() if flag.type == "bool")


def test_spellings_are_read_kindly() -> None:
    """Dashes, underscores, case and aliases do not matter, and a name wins over another's alias."""
    table = catalog.engine_flags("vllm")
    for spelling in ("--max-num-seqs", "max-num-seqs", "max_num_seqs", "maxNumSeqs"):
        assert table.find(spelling) is table.flags["--max-num-seqs"]
    assert table.find("-tp") is table.flags["--tensor-parallel-size"]
    assert table.find("nonsense") is None
    assert table.nearest("max-num-sq") == "--max-num-seqs"


def test_removed_spellings_name_a_successor() -> None:
    """What guides still write says what to do instead."""
    assert catalog.engine_flags("vllm").successor("swap_space") == "use kv-offloading-size"
    assert catalog.engine_flags("tgi").successor("--num-shards") == "use tensorParallel of the service"
    assert catalog.engine_flags("vllm").successor("--max-num-seqs") is None


def test_switches_know_how_they_are_switched_off() -> None:
    """`--no-...` comes before `--enable-` and `--disable-` twins; some have none."""
    flags = catalog.engine_flags("vllm").flags
    assert flags["--enable-prefix-caching"].negations[0] == "--no-enable-prefix-caching"
    assert flags["--disable-hybrid-kv-cache-manager"].negations[1] == "--enable-hybrid-kv-cache-manager"
    assert flags["--headless"].negations == ()


def test_an_engine_without_a_table_is_unknown() -> None:
    """Options are only looked up where they are known."""
    with pytest.raises(catalog.UnknownName):
        catalog.engine_flags("fake")
