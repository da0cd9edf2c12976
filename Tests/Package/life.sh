#!/bin/sh
# The package's life: installed, used, upgraded, removed, installed again, purged. It changes users and packages as it
# likes, so it runs in a root of its own alone: see root.sh, which puts old.deb, new.deb and a producer beside it.
#
#   life.sh overlay|fresh
set -eu
# shellcheck disable=SC1091 # checked by itself
. /expendable/claims.sh
spool=/var/spool/msgspool
kind=$1
cd /
export PATH=/expendable/bin:/usr/sbin:/usr/bin:/sbin:/bin

gone() { [ ! -e "$1" ] && [ ! -L "$1" ]; }
owners() { stat -c '%U:%G %a' "$@"; }
installed() {
  case $kind in
    fresh) apt-get -qq -o DPkg::Path="$PATH" install -y --no-install-recommends "$1" ;;
    *) dpkg --install "$1" ;;
  esac
}
state() { dpkg-query -W -f '${db:Status-Status} ${Version}' msgspool 2> /dev/null || true; }
bytes() { find $spool -type f ! -name 'ledger.db*' -exec sha256sum {} + | sort; }
all_as_before() { bytes | cmp - /expendable/before; }

# Nobody reads the index of all the machine's manuals, which takes a while; and who forbids services here means others.
rm -f /var/lib/man-db/auto-update /usr/sbin/policy-rc.d
# A program that was built for tests may have its libraries in root's home.
[ "$kind" = fresh ] || chmod a+x /root
# Another msgspool of this machine's is not the matter.
rm -rf /etc/msgspool /etc/default/msgspool /var/lib/msgspool $spool /usr/local/bin/msgspool
for name in msgspool producer stranger; do userdel $name 2> /dev/null || true; done
for name in msgspool msgdrop; do groupdel $name 2> /dev/null || true; done
dpkg --purge msgspool > /dev/null 2>&1 || true

# systemd is not running here. What maintainer scripts would tell it is written down.
if [ "$kind" = fresh ]; then apt-get -qq update; fi
mkdir -p /run/systemd/system
recorded=/expendable/systemctl
mkdir -p /expendable/bin
cat > /expendable/bin/systemctl << 'RECORD'
#!/bin/sh
echo "$*" >> /expendable/systemctl
RECORD
chmod 755 /expendable/bin/systemctl
: > $recorded

echo "# installed"
claim "it installs" installed /expendable/old.deb
: > /expendable/mark
claim "dpkg has it" is "$(state)" "installed $(dpkg-deb -f /expendable/old.deb Version)"
claim "there is a user, with the spool for a home and no shell" \
  is "$(getent passwd msgspool | cut -d: -f1,6,7)" "msgspool:$spool:/usr/sbin/nologin"
claim "and a group for producers" getent group msgdrop
claim "the spool is msgspool's" is "$(owners $spool)" "msgspool:msgspool 755"
claim "producers drop, and take nothing of each other's away" \
  is "$(owners $spool/tmp $spool/new | sort -u)" "msgspool:msgdrop 1770"
claim "so does who takes services' callbacks" \
  is "$(owners $spool/receipts/tmp $spool/receipts/new | sort -u)" "msgspool:msgdrop 1770"
claim "what was not understood of them is nobody else's" \
  is "$(owners $spool/receipts $spool/receipts/unknown | xargs)" "msgspool:msgspool 755 msgspool:msgspool 750"
claim "the rest is closed to them" \
  is "$(owners $spool/cur $spool/deferred $spool/done $spool/failed | sort -u)" "msgspool:msgspool 750"
claim "the program runs" msgspool --version
claim "nothing was enabled" sh -c '! find /etc/systemd -name "msgspool*" | grep .'
claim "nor started" sh -c "! grep -E '(start|enable).*msgspool' $recorded"
claim "dpkg will never ask about a configuration file" is "$(dpkg-query -W -f '${Conffiles}' msgspool)" ""
claim "every file is as it was packed" is "$(dpkg --verify msgspool)" ""

claim "the examples are those of the sources" sh -c 'sh /usr/share/doc/msgspool/examples/programs/weather-alert.sh --help'

echo "# used"
useradd --system --no-create-home producer && usermod -aG msgdrop producer
useradd --system --no-create-home stranger
cat > /usr/local/bin/takes-all << 'PROGRAM'
#!/bin/sh
while read -r _; do echo '{"to":"UID_a","state":"accepted"}'; done
PROGRAM
chmod 755 /usr/local/bin/takes-all
echo '{ channels: { all: { provider: "exec", command: ["/usr/local/bin/takes-all"] } } }' > /etc/msgspool/config.json
chgrp msgspool /etc/msgspool/config.json
chmod 640 /etc/msgspool/config.json
claim "who is in the group drops a message" as producer sh /expendable/drop.sh $spool all UID_a one
claim "who is not can't" sh -c "! setpriv --reuid stranger --regid stranger --clear-groups \
  sh /expendable/drop.sh $spool all UID_a no 2> /dev/null"
claim "the user msgspool sends it" as msgspool msgspool sweep
claim "it is done" is "$(find $spool/done -type f | wc -l)" 1
claim "check has nothing to say" msgspool check
name=$(as producer sh /expendable/drop.sh $spool all UID_a two)
msgspool --quiet hold "$name" > /dev/null
as producer sh /expendable/drop.sh $spool all UID_a three > /dev/null
echo '{"channel":"all","to":"UID_a","body":"later","send_at":4000000000}' > $spool/deferred/later
printf 'no message' > $spool/failed/odd
chown msgspool: $spool/deferred/later $spool/failed/odd
chmod 1777 $spool/new
chmod 750 $spool
bytes > /expendable/before

echo "# upgraded"
mkdir -p /etc/systemd/system/multi-user.target.wants
unit=$(dpkg -L msgspool | grep '/msgspool\.service$')
ln -s "$unit" /etc/systemd/system/multi-user.target.wants/msgspool.service
: > $recorded
claim "it upgrades" installed /expendable/new.deb
claim "to the newer version" is "$(state)" "installed $(dpkg-deb -f /expendable/new.deb Version)"
claim "the service is restarted if it runs" grep -qx -e '.*try-restart msgspool.service' $recorded
claim "and was not stopped before" sh -c "! grep -E '(stop|disable).*msgspool' $recorded"
claim "all messages are what and where they were" all_as_before
claim "what the administrator changed stays" is "$(owners $spool $spool/new | xargs)" \
  "msgspool:msgspool 750 msgspool:msgdrop 1777"

echo "# removed"
: > $recorded
claim "it goes" dpkg --remove msgspool
claim "service and timer are stopped" \
  is "$(grep -c 'stop msgspool.service msgspool-sweep.timer msgspool-sweep.service' $recorded)" 1
claim "its files are gone" sh -c '! find /usr/bin/msgspool /usr/share/msgspool /usr/share/doc/msgspool '"$unit"' 2> /dev/null | grep .'
claim "the messages stay" all_as_before
claim "so does the configuration" test -f /etc/msgspool/config.json

echo "# installed again"
claim "it installs over what stayed" installed /expendable/new.deb
claim "what waited is sent" as msgspool msgspool sweep
claim "and nothing twice" is "$(find $spool/done -type f | wc -l)" 2

echo "# purged while messages wait"
bytes > /expendable/before
echo "NAME=secret" > /etc/msgspool/env
ledger=$(sha256sum < $spool/ledger.db)
claim "it goes" sh -c 'dpkg --purge msgspool 2> /expendable/said'
claim "and says that the spool is kept" grep -q "$spool is kept" /expendable/said
claim "every message is there" all_as_before
claim "with the ledger" is "$(sha256sum < $spool/ledger.db)" "$ledger"
claim "configuration and secrets are gone" gone /etc/msgspool
claim "no link to the service is left" gone /etc/systemd/system/multi-user.target.wants/msgspool.service
claim "the user stays" getent passwd msgspool

claim "it installs beside them" installed /expendable/new.deb
cp /var/lib/dpkg/info/msgspool.postrm /expendable/postrm
for folder in tmp new cur/20260101 deferred hold failed receipts/tmp receipts/new inbox/tmp inbox/new; do
  rm -rf $spool
  mkdir -p $spool/done $spool/$folder
  echo '{}' > $spool/$folder/waits
  claim "purge lets a message in $folder/ be" sh -c "sh /expendable/postrm purge && test -f $spool/$folder/waits"
done

echo "# purged with everything delivered"
systemd-tmpfiles --create msgspool.conf
rm -rf $spool/cur/* $spool/tmp/* $spool/new/* $spool/deferred/* $spool/hold/* $spool/failed/* $spool/receipts/*/* \
  $spool/inbox/*/*
echo '{}' > $spool/done/old
mkdir $spool/cur/empty
claim "it goes" dpkg --purge msgspool
claim "with the spool" gone $spool
claim "dpkg knows nothing of it" is "$(state)" ""
claim "and nothing of it is left" is "$(find /etc /usr /lib /var -xdev -newer /expendable/mark -name '*msgspool*')" ""

echo "# a spool that is a link"
mkdir /srv/elsewhere
ln -s /srv/elsewhere $spool
claim "it installs" installed /expendable/new.deb
claim "the folders are where the link leads" is "$(owners $spool/new)" "msgspool:msgdrop 1770"
claim "it goes" dpkg --purge msgspool
claim "what the link leads to is left alone" test -d /srv/elsewhere/new

ended
