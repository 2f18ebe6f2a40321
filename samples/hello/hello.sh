#!/bin/sh
# Shows a file, after checking that it is the one that was built.
sha256sum -c -s "$1.sha256" && cat "$1"
