#!/usr/bin/perl
# drop.pl SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name.
use strict;
use warnings;
use Fcntl qw(O_WRONLY O_CREAT O_EXCL);
use IO::Handle;
use JSON::PP;

sub drop {
    my ($spool, $message) = @_;
    my $json = JSON::PP->new->utf8->encode($message);
    my $name = sprintf '%d.%d.%08x.json', time, $$, rand 2**32;
    my ($aside, $new) = ("$spool/tmp/$name", "$spool/new/$name");
    sysopen my $file, $aside, O_WRONLY | O_CREAT | O_EXCL or die "drop.pl: $aside: $!\n";
    # sync flushes only what the kernel has, so Perl's own buffer goes first.
    print {$file} "$json\n" and $file->flush and $file->sync and close $file or die "drop.pl: $aside: $!\n";
    rename $aside, $new or die "drop.pl: $new: $!\n";
    # The folder too, so that a power cut can't take the new name back.
    open my $folder, '<', "$spool/new" or die "drop.pl: $spool/new: $!\n";
    $folder->sync or die "drop.pl: $spool/new: $!\n";
    return $name;
}

sub fail { my ($status, $text) = @_; print STDERR "$text\n"; exit $status }

fail(64, 'usage: drop.pl SPOOL CHANNEL TO[,TO]... BODY') unless @ARGV == 4;
my $spool = shift;    # a path is bytes; the rest is text
-d "$spool/tmp" and -d "$spool/new" or fail(66, "drop.pl: no spool at $spool; run: msgspool init $spool");
utf8::decode($_) or fail(64, 'drop.pl: an argument is not UTF-8') for @ARGV;
my ($channel, $to, $body) = @ARGV;
my @to = grep { length } split /,/, $to;
print drop($spool, { channel => $channel, body => $body, @to ? (to => \@to) : () }), "\n";
