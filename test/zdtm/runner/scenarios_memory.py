# SPDX-License-Identifier: GPL-2.0
"""Memory that is shared copy-on-write, where its own addresses are taken in criu."""


def aside(program):
    def scenario(s, before):
        for number in (1, 2):
            images = s.images(f"images-{number}")
            s.check_dumped(s.dump(images), before)
            s.check_restored(s.restore(images, env={"CRIU_COW_ASIDE": "1"}), before)
    scenario.__name__ = program + "_aside"
    scenario.__doc__ = f"{program}: inherited areas stand elsewhere until all tasks exist, then move."
    scenario.program = program
    return scenario


SCENARIOS = {f.__name__: f for f in (aside("mem_cow_tree"), aside("mem_cow_large"))}
