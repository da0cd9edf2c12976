# Where things lie in Debian, for what the sources say of /usr/local, and where documents lie in the package.
1s|^#!/usr/bin/env |#!/usr/bin/|
s|/usr/local/|/usr/|g
s|(Sources/Documentation/|(|g
s|(\.\./\.\./README\.md|(README.md|g
s|(\.\./\.\./CHANGELOG\.md)|(changelog.gz)|g
s|(\.\./\.\./LICENSE)|(copyright)|g
s|(\.\./Extras/|(Sources/Extras/|g
s|Sources/Extras/Producers|examples/producers|g
s|Sources/Extras/Monitoring|examples/monitoring|g
s|Sources/Extras/Examples|examples/programs|g
s|(Sources/Extras/Bridges)|(/usr/share/msgspool/bridges)|g
s|(Sources/Extras/Bridges/|(/usr/share/msgspool/bridges/|g
s|(Sources/Extras/Packaging/exec\.conf)|(examples/systemd/exec.conf)|g
s|(CHANGELOG\.md)|(changelog.gz)|g
s|(LICENSE)|(copyright)|g
