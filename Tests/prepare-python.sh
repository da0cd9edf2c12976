#!/bin/sh
# What the tests of mail and of the bridges talk to, in the build folder; they skip themselves where it is missing.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .build/test-python
.build/test-python/bin/python -m pip -q --disable-pip-version-check install 'aiosmtpd==1.4.6' 'apprise>=1.9,<3'
