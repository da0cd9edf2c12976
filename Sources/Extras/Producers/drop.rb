#!/usr/bin/env ruby
# drop.rb SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name.
require "json"
require "securerandom"

def drop(spool, message)
  json = JSON.generate(message)
  name = "#{Time.now.to_i}.#{Process.pid}.#{SecureRandom.hex(4)}.json"
  File.open("#{spool}/tmp/#{name}", "wbx") do |file| # x: fails instead of overwriting (O_EXCL)
    file.write(json, "\n")
    file.fsync # empties Ruby's own buffer first
  end
  File.rename("#{spool}/tmp/#{name}", "#{spool}/new/#{name}")
  File.open("#{spool}/new", &:fsync) # the folder too, so that a power cut can't take the new name back
  name
end

def fail(status, text)
  warn text
  exit status
end

fail(64, "usage: drop.rb SPOOL CHANNEL TO[,TO]... BODY") unless ARGV.size == 4
# Without a UTF-8 locale (cron) Ruby takes the arguments for ASCII.
spool, channel, to, body = ARGV.map { |one| one.dup.force_encoding("UTF-8") }
unless File.directory?("#{spool}/tmp") && File.directory?("#{spool}/new")
  fail(66, "drop.rb: no spool at #{spool}; run: msgspool init #{spool}")
end
recipients = to.split(",").reject(&:empty?)
puts drop(spool, { channel: channel, to: recipients.empty? ? nil : recipients, body: body }.compact)
