#!/bin/sh
# The package under a systemd that really runs: what its units may still do, and what an upgrade and a removal do to them.
#
#   boot.sh prepare|run
set -eu
# shellcheck disable=SC1091 # checked by itself
. /expendable/claims.sh
spool=/var/spool/msgspool
cd /

if [ "$1" = prepare ]; then
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends systemd-sysv dbus python3 /expendable/old.deb > /expendable/output 2>&1 ||
    { cat /expendable/output; exit 1; }
  cat > /etc/systemd/system/claims.service << 'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh /expendable/boot.sh run > /expendable/report 2>&1; systemctl --no-block poweroff'
UNIT
  mkdir -p /etc/systemd/system/multi-user.target.wants
  ln -s ../claims.service /etc/systemd/system/multi-user.target.wants
  exit 0
fi

# Who drops may not look into done/, so that is for root.
arrives() {
  name=$(as producer msgspool send "$@" hello)
  timeout 30 sh -c "until test -e $spool/done/$name; do sleep 0.1; done" || { msgspool show "$name"; false; }
}
field() { systemctl show -p "$2" --value "$1"; }

# A program of an `exec` channel as a bridge is one; it also makes a callback, which asks for memory that is run.
cat > /usr/local/bin/takes-all << 'PROGRAM'
#!/usr/bin/python3
import ctypes, json, os, sys
ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)()
for line in sys.stdin:
    print(json.dumps({"to": json.loads(line)["to"], "state": "accepted", "id": str(os.getuid())}), flush=True)
PROGRAM
chmod 755 /usr/local/bin/takes-all
cat > /etc/msgspool/config.json << 'JSON'
{ channels: {
  program: { provider: "exec", command: ["/usr/local/bin/takes-all"] },
  credential: { provider: "wxpusher", app_token: { credential: "TOKEN" }, endpoint: "http://127.0.0.1:8517" },
  variable: { provider: "wxpusher", app_token: { env: "TOKEN" }, endpoint: "http://127.0.0.1:8517" },
} }
JSON
echo "TOKEN=AT_of_a_variable" > /etc/msgspool/env
echo "AT_of_a_credential" > /etc/msgspool/TOKEN.secret
chmod 600 /etc/msgspool/env /etc/msgspool/TOKEN.secret
for unit in msgspool msgspool-sweep; do
  mkdir -p /etc/systemd/system/$unit.service.d
  printf '[Service]\nLoadCredential=TOKEN:/etc/msgspool/TOKEN.secret\n' > /etc/systemd/system/$unit.service.d/secret.conf
done
systemctl daemon-reload
useradd --system producer
usermod -aG msgdrop producer
msgspool sandbox --port 8517 > /dev/null 2>&1 &

echo "# the service"
claim "nothing ran before it was asked for" is "$(field msgspool.service ActiveState)" inactive
claim "the service is enabled and started" systemctl enable --now msgspool.service
for channel in program credential variable; do
  claim "what a producer drops for $channel is sent" arrives --channel $channel --to UID_a
done
claim "the program ran as msgspool" grep -q "\"id\":\"$(id -u msgspool)\"" -r $spool/done
before=$(field msgspool.service MainPID)
claim "it reloads" systemctl reload msgspool.service
claim "and stays" is "$(field msgspool.service MainPID)" "$before"
claim "it may do little" systemd-analyze security --no-pager --threshold=11 msgspool.service

echo "# an upgrade"
claim "it upgrades" dpkg --install /expendable/new.deb
claim "the service runs" is "$(field msgspool.service ActiveState)" active
claim "as another process" sh -c "test $(field msgspool.service MainPID) != $before"
claim "it was ended, not killed" is "$(journalctl -u msgspool.service -o cat | grep -c '^msgspool: stopped$')" 1
claim "the timer's sweep was not started" is "$(field msgspool-sweep.timer ActiveState)" inactive
claim "messages are sent as before" arrives --channel credential --to UID_b

echo "# the timer"
systemctl disable --quiet --now msgspool.service
as producer msgspool send --channel variable --to UID_c hello > /dev/null
claim "a sweep ends well" systemctl start msgspool-sweep.service
claim "and sent what was due" is "$(find $spool/done -type f | wc -l)" 5
claim "the timer starts" systemctl enable --now msgspool-sweep.timer

echo "# removal"
systemctl start msgspool.service
claim "it goes" dpkg --remove msgspool
claim "nothing of it runs" sh -c '! stat -c "%U %n" /proc/[0-9]* 2> /dev/null | grep "^msgspool "'
claim "neither service nor timer is active" sh -c '! systemctl is-active msgspool.service msgspool-sweep.timer'
ended
