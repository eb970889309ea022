//! What a person is asked, on the controlling terminal and never on stdout (U-7).
//!
//! Without a terminal on stdin nothing here asks: the verb says which flag is missing.

use std::{
    fs::File,
    io::{self, BufRead, IsTerminal, Read, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Mutex,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{OptionalActions, Termios, tcgetattr, tcsetattr},
};

use crate::{advice::Failure, context::Context};

/// Whether a person can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && terminal().is_ok()
}

/// Asks for one line; a paste of several lines comes as one, with spaces between.
pub(crate) async fn line(question: &str) -> Result<String, Failure> {
    let question = question.to_owned();
    in_background(move || {
        let mut terminal = terminal()?;
        write!(terminal, "{question} ")?;
        terminal.flush()?;
        let mut answer = read_terminal_line(&mut terminal)?;
        // U-192: a code that was copied as three rows is pasted as three lines.
        while more_is_typed(&terminal) {
            let row = read_terminal_line(&mut terminal)?;
            if row.is_empty() || answer.len() > LONGEST_ANSWER {
                break;
            }
            answer.push(' ');
            answer.push_str(row.trim());
        }
        Ok(answer.trim().to_owned())
    })
    .await
}

/// Asks for something that is not shown while it is typed.
pub(crate) async fn secret(question: &str) -> Result<String, Failure> {
    let question = format!("{question} ");
    in_background(move || rpassword::prompt_password(question)).await
}

/// Asks for a yes. `--yes` says it beforehand; without a terminal it has to.
pub(crate) async fn confirm(context: &Context, question: &str) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    if !can_ask() {
        return Err(Failure::missing("Your yes", "--yes"));
    }
    let answer = line(&format!("{question} [y/N]")).await?;
    if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::of("not-confirmed"))
    }
}

/// Shows text on the terminal.
pub(crate) fn show(text: &str) {
    if let Ok(mut terminal) = terminal() {
        let _ = writeln!(terminal, "{text}");
    }
}

/// Reads all of stdin as text, at most `limit` bytes of it.
pub(crate) async fn stdin_text(limit: usize) -> Result<String, Failure> {
    let bytes = in_background(move || {
        let mut bytes = Vec::new();
        io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    })
    .await?;
    if bytes.len() > limit {
        return Err(Failure::of("too-large").saying(format!("More than {limit} bytes came in.")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage("What came in is not UTF-8 text."))
}

/// Reads the first line of a passphrase file (U-2).
///
/// # Errors
/// Unless the file is this user's alone (mode 0600 or 0400), or `/dev/fd/N`.
pub(crate) fn passphrase_from(path: &Path) -> Result<String, Failure> {
    let unreadable = |_| Failure::usage("The passphrase file cannot be read.");
    let file = File::open(path).map_err(unreadable)?;
    let inherited = path.to_str().and_then(|path| path.strip_prefix("/dev/fd/"));
    if inherited.is_none_or(|number| number.parse::<u32>().is_err()) {
        let about = file.metadata().map_err(unreadable)?;
        let ours = about.uid() == rustix::process::geteuid().as_raw();
        if !ours || !about.is_file() || !matches!(about.mode() & 0o7777, 0o600 | 0o400) {
            return Err(Failure::usage("The passphrase file has to be yours alone.")
                .advising("chmod 600 on that file"));
        }
    }
    let mut line = Vec::new();
    let mut reader = io::BufReader::new(file.take(LONGEST_ANSWER as u64));
    reader.read_until(b'\n', &mut line).map_err(unreadable)?;
    let line = String::from_utf8(line)
        .map_err(|_| Failure::usage("The passphrase file is not UTF-8 text."))?;
    let passphrase = line.trim_end_matches(['\r', '\n']);
    if passphrase.is_empty() {
        return Err(Failure::usage("The first line of the passphrase file is empty."));
    }
    Ok(passphrase.to_owned())
}

/// Makes a passphrase of six made-up words, 69 bits.
pub(crate) fn made_passphrase() -> Result<String, Failure> {
    // 11 consonants and 5 vowels: 3,025 words of four letters, 11.6 bits each. Left out are letters
    // that look or sound alike, and k, p and t, with which too many words already mean something.
    const CONSONANTS: &[u8; 11] = b"bdgjlmnrsvz";
    const VOWELS: &[u8; 5] = b"aeiou";
    let mut draws = [0_u8; 64];
    getrandom::fill(&mut draws).map_err(|_| Failure::of("internal"))?;
    // 220 is the largest multiple of both that fits: draws above would favor some letters.
    let mut draws = draws.into_iter().filter(|draw| *draw < 220);
    let mut words = Vec::new();
    for _ in 0..6 {
        let mut word = String::new();
        for _ in 0..2 {
            let (Some(first), Some(second)) = (draws.next(), draws.next()) else {
                return Err(Failure::of("internal"));
            };
            word.push(char::from(CONSONANTS[usize::from(first % 11)]));
            word.push(char::from(VOWELS[usize::from(second % 5)]));
        }
        words.push(word);
    }
    Ok(words.join(" "))
}

/// Remembers how the terminal was, so that [`restore`] can give it back.
pub(crate) fn remember() {
    if let Some(found) = terminal().ok().and_then(|terminal| tcgetattr(&terminal).ok())
        && let Ok(mut before) = BEFORE.lock()
    {
        *before = Some(found);
    }
}

/// Gives the terminal back as it was, also from the middle of a hidden answer.
pub(crate) fn restore() {
    if let Ok(before) = BEFORE.lock()
        && let Some(before) = before.as_ref()
        && let Ok(terminal) = terminal()
    {
        let _ = tcsetattr(&terminal, OptionalActions::Now, before);
    }
}

fn terminal() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

fn read_terminal_line(terminal: &mut File) -> io::Result<String> {
    let mut line = [0_u8; 4_096];
    // A terminal hands out one line at a time.
    let length = terminal.read(&mut line)?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line[..length]).trim().to_owned())
}

fn more_is_typed(terminal: &File) -> bool {
    // Long enough for a paste, too short for a person. A guess.
    let wait = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let mut watched = [PollFd::new(terminal, PollFlags::IN)];
    poll(&mut watched, Some(&wait)).is_ok_and(|ready| ready > 0)
}

async fn in_background<T: Send + 'static>(
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    // Asking blocks; Ctrl-C has to be heard meanwhile.
    remember();
    let answer = tokio::task::spawn_blocking(ask).await;
    answer.map_err(|_| Failure::of("internal"))?.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => Failure::of("interrupted"),
        _ => Failure::of("needs-input").saying("There was no answer."),
    })
}

/// More than any code, name or passphrase takes.
const LONGEST_ANSWER: usize = 4_096;

static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_passphrase_file_is_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        std::fs::write(&path, "six words\r\nsecond line\n").unwrap();
        for (mode, taken) in [(0o600, true), (0o400, true), (0o644, false), (0o700, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(passphrase_from(&path).is_ok(), taken, "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(passphrase_from(&path).unwrap(), "six words");
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(passphrase_from(&path).unwrap_err().code(), 2);
    }

    #[test]
    fn made_passphrases_have_six_words_and_differ() {
        let one = made_passphrase().unwrap();
        assert_eq!(one.split(' ').filter(|word| word.len() == 4).count(), 6);
        assert_ne!(one, made_passphrase().unwrap());
    }
}
