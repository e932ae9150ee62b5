#!/usr/bin/env bash
# One comparison as a step of a CI job: runs it, shows its summary on the job's page, and ends with its exit code.
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
"$program" run "$@" --out "$out"
status=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    # After any other status a summary in the directory is that of an earlier run.
    case "$status" in
        0 | 1 | 3 | 130) cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY" ;;
        *)
            printf '# Parallax could not run (exit code %s)\n\nSee the log of this step.\n' "$status" \
                >>"$GITHUB_STEP_SUMMARY"
            ;;
    esac
fi
case "$status" in
    0) ;;
    1) echo "::error title=Parallax::the candidate is not safe to roll out; see the summary" ;;
    3) echo "::error title=Parallax::inconclusive: something that decides could not be checked; see the summary" ;;
    *) echo "::error title=Parallax::could not run (exit code $status); see the log" ;;
esac
exit "$status"
