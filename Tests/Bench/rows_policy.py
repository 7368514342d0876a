"""Policy and audit: what it costs that every call is decided and recorded."""

import json
import statistics

from harness import Bench, Row, against_peer, duration


def audited(bench: Bench) -> Row:
    with bench.daemon("--audit", "none") as without, bench.daemon() as daemon:
        def call(server):
            return bench.client("rtt", server.socket, 2000, bench.line("system_info"), bench.line("hello"))

        return against_peer(bench, "system_info, audited", 1.3, False, "the same with audit off",
                            lambda: call(without), lambda: call(daemon))


def cost(bench: Bench, key: str, work: str, bar: float) -> Row:
    rounds = [json.loads(bench.run([bench.binary("policy-bench")]))[key] for _ in range(bench.rounds)]
    median = statistics.median(rounds)
    return Row(work=work, bar=f"≤ {duration(bar)}", measured=duration(median), peer="–", ours="1,000 rules",
               excess=median / bar, raw={"ns": rounds})


ROWS = {
    "audited": audited,
    "policy-cached": lambda bench: cost(bench, "cached_ns", "a decision, cached", 5_000),
    "policy-decide": lambda bench: cost(bench, "uncached_ns", "a decision, uncached", 100_000),
    "policy-read": lambda bench: cost(bench, "read_ns", "reading and compiling policy", 50_000_000),
}
