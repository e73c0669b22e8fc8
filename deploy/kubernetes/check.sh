#!/usr/bin/env bash
# Checks the manifests against the schemas of Kubernetes, without a cluster and without a network (but for the package).
#
#   deploy/kubernetes/check.sh [KUBERNETES-VERSION]
#
# Needs python3 with venv and PyPI; the package kubernetes-validate brings the schemas. With kustomize or kubectl
# installed, what they make of the folders is checked, too; without, each file is, and that says so.
set -euo pipefail
cd "$(dirname "$0")"
version=${1:-1.33}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet install 'kubernetes-validate==1.37.*'

files=()
for file in base/*.yaml; do
    [[ $file == */kustomization.yaml ]] || files+=("$file")
done
"$work/venv/bin/kubernetes-validate" --strict -k "$version" "${files[@]}"

for overlay in base thousand; do
    if command -v kustomize >/dev/null; then
        kustomize build "$overlay" >"$work/built.yaml"
    elif command -v kubectl >/dev/null; then
        kubectl kustomize "$overlay" >"$work/built.yaml"
    else
        echo "neither kustomize nor kubectl is installed: $overlay is not built, only its files are checked" >&2
        continue
    fi
    "$work/venv/bin/kubernetes-validate" --strict -k "$version" "$work/built.yaml"
    echo "$overlay: $(grep -c '^kind:' "$work/built.yaml") objects"
done
