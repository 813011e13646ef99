//! Runs thousands of real schedulers over made-up links in virtual time.
