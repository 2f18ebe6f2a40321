# Sourced by make.sh: OCI layouts with tar, gzip, sha256sum and printf.

sha() { sha256sum "$1" | cut -d' ' -f1; }

put_blob() { # FILE: moves it under its digest; prints "digest size"
  local digest size
  digest=$(sha "$1") size=$(stat -c %s "$1")
  mv "$1" "$layout/blobs/sha256/$digest"
  echo "$digest $size"
}

new_layout() { # DIRECTORY [PARENT LAYOUT]: becomes $layout
  layout=$1
  mkdir -p "$layout/blobs/sha256"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  : >"$layout/layers"
  if [[ -n ${2:-} ]]; then
    cp -al "$2/blobs/." "$layout/blobs/"
    cp "$2/layers" "$layout/layers"
  fi
}

add_layer() { # ROOT [FILE LIST, NUL separated]: all of the tree, or only these paths
  local tar=$layout/.layer.tar diff_id
  if [[ -n ${2:-} ]]; then
    tar --create --file "$tar" --directory "$1" --numeric-owner --xattrs --xattrs-include='security.capability' \
      --no-recursion --null --files-from "$2"
  else
    tar --create --file "$tar" --directory "$1" --numeric-owner --xattrs --xattrs-include='security.capability' --sort=name .
  fi
  diff_id=$(sha "$tar")
  gzip -n -4 "$tar"
  echo "$diff_id $(put_blob "$tar.gz")" >>"$layout/layers"
}

finish_layout() { # COMMAND-AS-JSON [ENV-AS-JSON-ELEMENTS]
  local diff_ids='' layers='' diff_id digest size config manifest
  while read -r diff_id digest size; do
    diff_ids+=${diff_ids:+,}"\"sha256:$diff_id\""
    layers+=${layers:+,}'{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:'$digest'","size":'$size'}'
  done <"$layout/layers"
  printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"%s],"Cmd":%s},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$(dpkg --print-architecture)" "${2:+,$2}" "$1" "$diff_ids" >"$layout/.config"
  config=$(put_blob "$layout/.config")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
    ${config% *} ${config#* } "$layers" >"$layout/.manifest"
  manifest=$(put_blob "$layout/.manifest")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}' \
    ${manifest% *} ${manifest#* } >"$layout/index.json"
}

unpack_layout() { # LAYOUT ROOT: for layouts made here; whiteouts are the only thing to mind
  local digest gone
  while read -r _ digest _; do
    tar --extract --gzip --file "$1/blobs/sha256/$digest" --directory "$2" --numeric-owner --same-owner --same-permissions --xattrs --xattrs-include='*'
    find "$2" -name '.wh.*' -print0 | while IFS= read -r -d '' gone; do
      rm -rf "${gone%/*}/${gone##*/.wh.}" "$gone"
    done
  done <"$1/layers"
}

begin_changes() { # ROOT: remembers what is there
  (cd "$1" && find . | sort) >"$1.before"
  # The kernel's file times advance in ticks: what comes now must be later than the mark.
  sleep 0.05; touch "$1.mark"; sleep 0.05
}

add_changes() { # ROOT: a layer of what changed since begin_changes
  local root=$1 path
  (cd "$root" && find . | sort) >"$root.after"
  comm -23 "$root.before" "$root.after" | while IFS= read -r path; do
    # Only the topmost of what is gone gets a whiteout.
    [[ -d $root/${path%/*} ]] && : >"$root/${path%/*}/.wh.${path##*/}"
  done || true
  (cd "$root" && find . -mindepth 1 -cnewer "$root.mark" -print0 | sort -z) >"$root.changed"
  add_layer "$root" "$root.changed"
}
