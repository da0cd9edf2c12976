#!/usr/bin/env tclsh
# drop.tcl SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name. Tcl 8.6 or later.

# Tcl has no fsync: sync from coreutils (8.24) or busybox opens what it is given and does it for us.
# What Tcl still has in its own buffer sync can't see, so the file is closed first.
proc flushToDisk {path} { exec sync -- $path }

proc drop {spool json} {
    set random [format %08x [expr {int(rand() * 0x100000000)}]]
    set name [clock seconds].[pid].$random.json
    set file [open $spool/tmp/$name {WRONLY CREAT EXCL}] ;# EXCL: fails instead of overwriting
    fconfigure $file -encoding utf-8 -translation lf
    puts $file $json
    close $file
    flushToDisk $spool/tmp/$name
    file rename -- $spool/tmp/$name $spool/new/$name
    flushToDisk $spool/new ;# so that a power cut can't take the new name back
    return $name
}

set escapes {\" \\\" \\ \\\\}
for {set code 0} {$code < 32} {incr code} { lappend escapes [format %c $code] [format \\u%04x $code] }
proc quote {text} { return \"[string map $::escapes $text]\" }

proc fail {status text} { puts stderr $text; exit $status }

if {$argc != 4} { fail 64 "usage: drop.tcl SPOOL CHANNEL TO\[,TO]... BODY" }
set spool [lindex $argv 0]
if {![file isdirectory $spool/tmp] || ![file isdirectory $spool/new]} {
    fail 66 "drop.tcl: no spool at $spool; run: msgspool init $spool"
}
# Without a UTF-8 locale (cron) Tcl takes the arguments for Latin-1: back to the bytes, and read them as what they are.
lassign [lmap one [lrange $argv 1 end] { encoding convertfrom utf-8 [encoding convertto $one] }] channel to body
set to [join [lmap one [lsearch -all -inline -not -exact [split $to ,] {}] { quote $one }] ,]
if {$to ne ""} { set to ",\"to\":\[$to]" }
puts [drop $spool "{\"channel\":[quote $channel]$to,\"body\":[quote $body]}"]
