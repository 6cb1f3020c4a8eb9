#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A coprocess that doubles numbers, a pipeline in the background, an array that grows; "PASS" if all of it fits.
coproc DOUBLE { while read -r n; do echo $((n * 2)); done; }
(i=0; while sleep 0.05; do echo $((i += 1)); done) | while read -r n; do echo "$n" > pipeline.new; mv pipeline.new pipeline; done &
list=()
i=0
ok=PASS
while [ ! -e go ]; do
	i=$((i + 1))
	echo $i >&"${DOUBLE[1]}"
	read -r twice <&"${DOUBLE[0]}"
	[ "$twice" = $((i * 2)) ] || ok=FAIL
	list+=("item $i")
	echo $i > progress.new
	mv progress.new progress
	sleep 0.02
done
[ "${#list[@]}" = $i ] && [ "${list[i - 1]}" = "item $i" ] || ok=FAIL
[ "$(cat pipeline)" -gt 0 ] || ok=FAIL
kill "$DOUBLE_PID" %2
wait
echo $ok
