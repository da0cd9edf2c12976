#!/usr/bin/env python3
"""Sends msgspool's messages as a personal WeChat account, through itchat (https://pypi.org/project/itchat/).

Log in once, with the phone's camera, as the user that runs msgspool; the session is kept in the file:

    python3 itchat-bridge.py --login ~/.itchat-session

Configuration; a recipient is a friend's remark, nickname or WeChat id, or room:NAME:

    wechat: {
      provider: "exec",
      command: ["/usr/bin/python3", "/usr/local/share/msgspool/bridges/itchat-bridge.py", "/var/lib/msgspool/.itchat-session"],
      rate: 0.5, timeout: 120,
    }
"""

import json
import sys

# sysexits.h: these suspend the channel until somebody has logged in again.
EX_USAGE, EX_NOPERM, EX_CONFIG = 64, 77, 78


def stop(status, text):
    print(f"itchat-bridge: {text}", file=sys.stderr)
    sys.exit(status)


try:
    import itchat
except ImportError as error:
    stop(EX_CONFIG, f"{error}; pip install itchat")


def find(name):
    """The user name that WeChat gave a friend or room in this session; None when there is none, or more than one."""
    if name.startswith("room:"):
        found = itchat.search_chatrooms(name=name[5:])
    else:
        found = itchat.search_friends(name=name) or itchat.search_friends(wechatAccount=name)
    if isinstance(found, dict):
        found = [found]
    return found[0]["UserName"] if found and len(found) == 1 else None


def deliver(message):
    user = find(message["to"])
    if user is None:
        return {"state": "rejected", "reason": "names no friend or room, or more than one"}
    parts = [message.get("title"), message.get("body"), message.get("url")]
    result = itchat.send_msg("\n".join(part for part in parts if part), toUserName=user)
    response = result.get("BaseResponse", {})
    if response.get("Ret") == 0:
        return {"state": "accepted", "id": str(result.get("MsgID", ""))}
    return {"state": "deferred", "code": str(response.get("Ret")), "reason": str(response.get("ErrMsg", ""))}


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--login":
        itchat.auto_login(hotReload=True, statusStorageDir=sys.argv[2], enableCmdQR=2)
        return
    if len(sys.argv) != 2:
        stop(EX_USAGE, "expected the session's file")
    if not itchat.load_login_status(sys.argv[1]):
        stop(EX_NOPERM, f"the session has ended: run {sys.argv[0]} --login {sys.argv[1]}")
    # itchat prints what it likes; standard output is for answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        message = json.loads(line)
        print(json.dumps({"to": message["to"], **deliver(message)}), file=answers, flush=True)


if __name__ == "__main__":
    main()
