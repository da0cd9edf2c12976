#!/usr/bin/env node
// drop.js SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name.
const fs = require("fs");
const { randomBytes } = require("crypto");

function drop(spool, message) {
  const name = `${Math.floor(Date.now() / 1000)}.${process.pid}.${randomBytes(4).toString("hex")}.json`;
  const file = fs.openSync(`${spool}/tmp/${name}`, "wx"); // wx: fails instead of overwriting (O_EXCL)
  fs.writeFileSync(file, JSON.stringify(message) + "\n");
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(`${spool}/tmp/${name}`, `${spool}/new/${name}`);
  const folder = fs.openSync(`${spool}/new`, "r");
  fs.fsyncSync(folder); // the folder too, so that a power cut can't take the new name back
  fs.closeSync(folder);
  return name;
}

function fail(status, text) {
  console.error(text);
  process.exit(status);
}

const [spool, channel, to, body] = process.argv.slice(2);
if (process.argv.length !== 6) fail(64, "usage: drop.js SPOOL CHANNEL TO[,TO]... BODY");
if (!fs.existsSync(`${spool}/tmp`) || !fs.existsSync(`${spool}/new`)) {
  fail(66, `drop.js: no spool at ${spool}; run: msgspool init ${spool}`);
}
const recipients = to.split(",").filter(Boolean);
// An undefined field is left out by JSON.stringify.
console.log(drop(spool, { channel, to: recipients.length ? recipients : undefined, body }));
