// drop SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name. Build: rustc -O drop.rs
use std::collections::hash_map::RandomState;
use std::fs::{rename, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{Result, Write};
use std::path::Path;
use std::time::SystemTime;

fn drop_message(spool: &Path, json: &str) -> Result<String> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
    // The standard library's one source of randomness is the seed of its hash tables.
    let random = RandomState::new().build_hasher().finish() as u32;
    let name = format!("{}.{}.{:08x}.json", seconds, std::process::id(), random);
    let aside = spool.join("tmp").join(&name);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&aside)?; // never over another's file (O_EXCL)
    file.write_all(format!("{}\n", json).as_bytes())?;
    file.sync_all()?; // fsync
    rename(&aside, spool.join("new").join(&name))?;
    File::open(spool.join("new"))?.sync_all()?; // so that a power cut can't take the new name back
    Ok(name)
}

fn quote(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{}", c),
        '\0'..='\x1f' => format!("\\u{:04x}", c as u32),
        _ => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

fn fail(status: i32, text: &str) -> ! {
    eprintln!("{}", text);
    std::process::exit(status)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [spool, channel, to, body] = &arguments[..] else { fail(64, "usage: drop SPOOL CHANNEL TO[,TO]... BODY") };
    let path = Path::new(spool);
    if !path.join("tmp").is_dir() || !path.join("new").is_dir() {
        fail(66, &format!("drop: no spool at {}; run: msgspool init {}", spool, spool));
    }
    let to: Vec<String> = to.split(',').filter(|one| !one.is_empty()).map(quote).collect();
    let to = if to.is_empty() { String::new() } else { format!(",\"to\":[{}]", to.join(",")) };
    let json = format!("{{\"channel\":{}{},\"body\":{}}}", quote(channel), to, quote(body));
    println!("{}", drop_message(path, &json)?);
    Ok(())
}
