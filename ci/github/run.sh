#!/usr/bin/env bash
# One comparison as a step of a CI job: runs it and ends with its exit code. The program itself tells GitHub (annotations, and
# the summary on the job's page); see docs/ci.md.
#
# PARALLAX            the program                                   [parallax]
# PARALLAX_OUT        report directory                              [parallax-report]
# PARALLAX_ARGUMENTS  what follows `parallax run`, as in a shell
# GITHUB_STEP_SUMMARY the file that becomes the job's page; absent elsewhere
set -uo pipefail
program="${PARALLAX:-parallax}"
out="${PARALLAX_OUT:-parallax-report}"
# The arguments are the workflow's own text, so they may be quoted as in a shell.
eval "set -- ${PARALLAX_ARGUMENTS:-}"
"$program" run --ci github "$@" --out "$out"
status=$?
case "$status" in
    0 | 1 | 2 | 3 | 130) ;;
    # A program that is not there, or that was killed, could not tell anybody.
    *)
        echo "::error title=Parallax::could not run (exit code $status); see the log"
        if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
            printf '# Parallax could not run (exit code %s)\n\nSee the log of this step.\n' "$status" \
                >>"$GITHUB_STEP_SUMMARY"
        fi
        ;;
esac
exit "$status"
