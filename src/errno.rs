//! Whose fault an error of the operating system is: the machine's, or that of the file which was named.
//!
//! A disk that fails, a table of descriptors that is full, memory that is refused: none of these says anything of the bytes of a
//! file. They are found by the number of the error, anywhere in the chain of sources below an error. Errors that speak of the file
//! itself (it is not there, it is a directory, it may not be read) and errors without a number (it ends too early, its bytes make no
//! sense) are the file's. An unknown number counts as the machine's: that ends a run, and blames no writer.

use std::error::Error as StdError;
use std::io::{Error, ErrorKind};

use rustix::io::Errno;

/// Errors that speak of the file that was named.
const OF_THE_FILE: [Errno; 13] = [
    Errno::NOENT,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::LOOP,
    Errno::NAMETOOLONG,
    Errno::INVAL,
    Errno::ACCESS,
    Errno::PERM,
    Errno::EXIST,
    Errno::NOTEMPTY,
    Errno::NXIO,
    Errno::NODEV,
    Errno::SPIPE,
];

/// Errors at the start of a program that speak of the program.
const OF_THE_PROGRAM: [Errno; 2] = [Errno::NOEXEC, Errno::TOOBIG];

/// What the C library of Zstandard says where memory is refused, and what its binding panics with: neither has a number.
const REFUSED_MEMORY: [&str; 2] = ["Allocation error : not enough memory", "zstd returned null pointer"];

/// True where `error` is the machine's and not that of the file it was met on.
#[must_use]
pub fn of_machine(error: &Error) -> bool {
    match error.raw_os_error() {
        Some(code) => !OF_THE_FILE.contains(&Errno::from_raw_os_error(code)),
        None => {
            matches!(
                error.kind(),
                ErrorKind::OutOfMemory
                    | ErrorKind::StorageFull
                    | ErrorKind::QuotaExceeded
                    | ErrorKind::FileTooLarge
                    | ErrorKind::WriteZero
            ) || memory_refused(&error.to_string())
        }
    }
}

/// True where a program was not started because of the machine.
#[must_use]
pub fn start_of_machine(error: &Error) -> bool {
    let of_program = |code| OF_THE_PROGRAM.contains(&Errno::from_raw_os_error(code));
    of_machine(error) && !error.raw_os_error().is_some_and(of_program)
}

/// True where the words of an error or a panic say that memory was refused.
#[must_use]
pub fn memory_refused(said: &str) -> bool {
    REFUSED_MEMORY.iter().any(|words| said.contains(words))
}

/// True where an error of the machine lies anywhere in the chain that begins with `error`.
#[must_use]
pub fn in_chain(error: &(dyn StdError + 'static)) -> bool {
    any(error, &of_machine)
}

/// True where the chain that begins with `error` has the refusal of a permission in it.
#[must_use]
pub fn denied(error: &(dyn StdError + 'static)) -> bool {
    any(error, &|error| error.kind() == ErrorKind::PermissionDenied)
}

fn any(error: &(dyn StdError + 'static), wanted: &dyn Fn(&Error) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<Error>() {
            // An I/O error around another error gives the source of that one as its own, and passes it over.
            let inner = error.get_ref().map(|it| it as &(dyn StdError + 'static));
            if wanted(error) || inner.is_some_and(|inner| any(inner, wanted)) {
                return true;
            }
        }
        next = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use parquet::errors::ParquetError;

    use super::*;

    fn number(errno: Errno) -> Error {
        Error::from_raw_os_error(errno.raw_os_error())
    }

    #[test]
    fn the_number_says_whose_fault_it_is() {
        for errno in [
            Errno::IO,
            Errno::NOSPC,
            Errno::DQUOT,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::AGAIN,
            Errno::FBIG,
            Errno::ROFS,
            Errno::STALE,
        ] {
            assert!(of_machine(&number(errno)) && start_of_machine(&number(errno)), "{errno}");
        }
        for errno in OF_THE_FILE {
            assert!(!of_machine(&number(errno)), "{errno}");
        }
        assert!(of_machine(&number(Errno::NOEXEC)) && !start_of_machine(&number(Errno::NOEXEC)));
        assert!(!of_machine(&Error::from(ErrorKind::UnexpectedEof)));
        assert!(!of_machine(&Error::new(ErrorKind::InvalidData, "no such codec")));
        assert!(of_machine(&Error::other("Allocation error : not enough memory")));
    }

    #[test]
    fn it_is_found_below_other_errors() {
        let wrapped = ParquetError::from(number(Errno::IO));
        assert!(in_chain(&wrapped));
        assert!(in_chain(&Error::other(wrapped)));
        assert!(in_chain(&Error::other(number(Errno::MFILE))));
        assert!(!in_chain(&ParquetError::from(number(Errno::NOENT))));
        assert!(!in_chain(&ParquetError::General("Input/output error (os error 5)".to_owned())));
        assert!(denied(&ParquetError::from(number(Errno::ACCESS))) && !denied(&number(Errno::IO)));
    }
}
