#!/bin/sh
# The Python packages that the tests talk to, in the build folder: the vendors' own SDKs, a mail server, Apprise. Debian
# has the last two as well (make setup installs them); tests of what is missing are skipped with the reason.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .build/test-python
.build/test-python/bin/python -m pip -q --disable-pip-version-check install \
  'aiosmtpd==1.4.6' 'apprise>=1.9,<3' 'twilio==9.13.0' 'alibabacloud_dysmsapi20170525==4.6.0' 'wxpusher==2.3.0'
