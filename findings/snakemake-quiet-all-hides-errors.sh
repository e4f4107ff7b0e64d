#!/usr/bin/env bash
# snakemake --quiet all ends with code 1 and prints not one byte when the workflow itself is at fault.
#
# One would expect: a quiet run leaves out its progress, as pytest -q and make -s do, and still prints why it failed.
# What happens: an error raised by an input function (a table without the column that is asked for) and a wrong name in
# a shell command are logged by the logger that --quiet all turns off, so that standard output and standard error are
# both empty. With --quiet rules host, or progress, the same errors are printed. What a job writes itself is never
# hidden, so that tests with a failing job do not show it.
# Why it matters here: one command runs one study, and only its progress bar was to be printed. A user whose table was
# refused within the workflow saw the prompt again, and no result. The book now checks what a study reads before it
# starts Snakemake.
# Source: https://github.com/snakemake/snakemake/issues/3173 (open; there the messages of an executor are hidden).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet snakemake==9.27.1
cd "$folder"
cat > input.smk <<'SMK'
def table(wildcards):
    raise ValueError("my.csv has no column age")


rule study:
    input:
        table,
    output:
        "results.json",
    shell:
        "touch {output}"
SMK
sed 's/table,/[],/; s/{output}/{outputs}/' input.smk > name.smk
printf 'rule study:\n    output: "results.json"\n    shell: "echo the job is at fault >&2; exit 3"\n' > job.smk

"$folder/venv/bin/snakemake" --version
failed=0
for file in input name job; do
    for quiet in "rules host" "all"; do
        code=0
        # shellcheck disable=SC2086
        "$folder/venv/bin/snakemake" --snakefile "$file.smk" --cores 1 --quiet $quiet > printed 2>&1 || code=$?
        echo "$file.smk, --quiet $quiet: code $code, $(wc -c < printed) bytes"
        [ "$code" = 1 ] || failed=1
        case "$file, $quiet" in
            "input, all" | "name, all") [ ! -s printed ] || failed=1 ;;
            *) grep -q "no column age\|outputs\|the job is at fault" printed || failed=1 ;;
        esac
    done
done
exit "$failed"
