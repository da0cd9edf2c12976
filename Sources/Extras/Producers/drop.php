#!/usr/bin/env php
<?php
// drop.php SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name. PHP 8.1 or later (fsync).

function drop(string $spool, array $message): string
{
    $json = json_encode($message, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES) . "\n";
    $name = sprintf('%d.%d.%s.json', time(), getmypid(), bin2hex(random_bytes(4)));
    $file = fopen("$spool/tmp/$name", 'xb'); // x: fails instead of overwriting (O_EXCL)
    $written = $file && fwrite($file, $json) === strlen($json) && fsync($file) && fclose($file);
    if (!$written || !rename("$spool/tmp/$name", "$spool/new/$name")) {
        throw new RuntimeException("could not write $name to $spool");
    }
    fsync(fopen("$spool/new", 'r')); // the folder too, so that a power cut can't take the new name back
    return $name;
}

function fail(int $status, string $text): never
{
    fwrite(STDERR, "$text\n");
    exit($status);
}

if ($argc !== 5) {
    fail(64, 'usage: drop.php SPOOL CHANNEL TO[,TO]... BODY');
}
[, $spool, $channel, $to, $body] = $argv;
if (!is_dir("$spool/tmp") || !is_dir("$spool/new")) {
    fail(66, "drop.php: no spool at $spool; run: msgspool init $spool");
}
$recipients = array_values(array_filter(explode(',', $to), 'strlen'));
echo drop($spool, ['channel' => $channel] + ($recipients ? ['to' => $recipients] : []) + ['body' => $body]), "\n";
