//! Services of Windows: making and removing them, and being one.
//!
//! What must stay true: the system hears of every state in its order, and a request to stop is told to who works
//! at once. Elsewhere everything here is [`std::io::ErrorKind::Unsupported`].

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// What a service is made of.
#[derive(Clone)]
#[non_exhaustive]
pub struct Plan {
    /// Its name, for programs.
    pub name: String,
    /// Its name, for people.
    pub title: String,
    /// A sentence about it.
    pub description: String,
    /// The program.
    pub program: PathBuf,
    /// What the program is started with.
    pub arguments: Vec<OsString>,
    /// The account that it runs as; `None` for LocalSystem.
    pub account: Option<OsString>,
    /// The password of that account, where it needs one.
    pub password: Option<OsString>,
}

impl Plan {
    /// A service that runs `program` as LocalSystem.
    pub fn new(name: impl Into<String>, program: PathBuf) -> Self {
        let name = name.into();
        Self {
            title: name.clone(),
            name,
            description: String::new(),
            program,
            arguments: Vec::new(),
            account: None,
            password: None,
        }
    }
}

/// Says nothing of the password.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = (&self.name, &self.program, &self.arguments, &self.account);
        f.debug_tuple("Plan").field(&shown).finish()
    }
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not ready yet.
    Starting,
    /// It works.
    Running,
    /// It ends in order.
    Stopping,
    /// It has ended, with this exit code.
    Stopped(u8),
}

/// Tells the system how the service is.
pub trait Report: Send + Sync + fmt::Debug {
    /// Tells it.
    fn state(&self, state: State) -> io::Result<()>;
}

/// Called when the system wants the service to stop.
pub type OnStop = Box<dyn Fn() + Send + Sync>;

/// Makes a service that starts with the system and again some seconds after it failed.
pub fn install(plan: &Plan) -> io::Result<()> {
    platform::install(plan)
}

/// Removes the service; one that runs is removed when it stops.
pub fn uninstall(name: &str) -> io::Result<()> {
    platform::uninstall(name)
}

/// Starts the service.
pub fn start(name: &str) -> io::Result<()> {
    platform::start(name)
}

/// Asks the service to stop, and does not wait for it.
pub fn stop(name: &str) -> io::Result<()> {
    platform::stop(name)
}

/// Whether the service is anything but stopped.
pub fn is_up(name: &str) -> io::Result<bool> {
    platform::is_up(name)
}

/// Is the service of this process, which the system has started: calls `main` on a thread of its own, and returns
/// when the service has stopped.
///
/// # Errors
/// What the system says, also where it did not start this process as a service.
pub fn dispatch(name: &str, main: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    platform::dispatch(name, main)
}

/// Takes the system's requests from now on. Only in the `main` of [`dispatch`].
pub fn register(name: &str, on_stop: OnStop) -> io::Result<Box<dyn Report>> {
    platform::register(name, on_stop)
}

#[cfg(windows)]
mod platform {
    use std::ffi::{OsStr, OsString};
    use std::io;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use windows_service::service::{
        Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl,
        ServiceControlAccept, ServiceErrorControl, ServiceExitCode, ServiceFailureActions,
        ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceStatus,
        ServiceType,
    };
    use windows_service::service_control_handler::{
        self, ServiceControlHandlerResult, ServiceStatusHandle,
    };
    use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
    use windows_service::{define_windows_service, service_dispatcher};

    use super::{OnStop, Plan, Report, State};

    /// Pause before a service that failed is started again.
    const RESTART_AFTER: Duration = Duration::from_secs(10);
    /// Failures are forgotten after this.
    const FORGET_AFTER: Duration = Duration::from_hours(1);
    /// How long the system waits for a state that was promised.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn told(error: windows_service::Error) -> io::Error {
        match error {
            windows_service::Error::Winapi(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidInput, other.to_string()),
        }
    }

    fn open(name: &str, access: ServiceAccess) -> io::Result<Service> {
        let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT);
        manager
            .and_then(|manager| manager.open_service(name, access))
            .map_err(told)
    }

    pub(super) fn install(plan: &Plan) -> io::Result<()> {
        let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
        let manager = ServiceManager::local_computer(None::<&str>, access).map_err(told)?;
        let info = ServiceInfo {
            name: plan.name.clone().into(),
            display_name: plan.title.clone().into(),
            service_type: ServiceType::OWN_PROCESS,
            start_type: ServiceStartType::AutoStart,
            error_control: ServiceErrorControl::Normal,
            executable_path: plan.program.clone(),
            launch_arguments: plan.arguments.clone(),
            dependencies: Vec::new(),
            account_name: plan.account.clone(),
            account_password: plan.password.clone(),
        };
        // the right to start is needed to ask for a restart
        let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE;
        let service = manager.create_service(&info, access).map_err(told)?;
        configure(&service, plan).map_err(told).inspect_err(|_| {
            let _half_made = service.delete();
        })
    }

    fn configure(service: &Service, plan: &Plan) -> windows_service::Result<()> {
        service.set_description(OsStr::new(&plan.description))?;
        if_known(service.set_delayed_auto_start(true))?;
        let again = ServiceAction {
            action_type: ServiceActionType::Restart,
            delay: RESTART_AFTER,
        };
        if_known(service.update_failure_actions(ServiceFailureActions {
            reset_period: ServiceFailureResetPeriod::After(FORGET_AFTER),
            reboot_msg: None,
            command: None,
            actions: Some(vec![again; 3]),
        }))?;
        if_known(service.set_failure_actions_on_non_crash_failures(true))
    }

    /// A manager that does not know a setting (`ERROR_INVALID_LEVEL`) does without.
    fn if_known(set: windows_service::Result<()>) -> windows_service::Result<()> {
        match set {
            Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(124) => {
                Ok(())
            }
            set => set,
        }
    }

    pub(super) fn uninstall(name: &str) -> io::Result<()> {
        open(name, ServiceAccess::DELETE)?.delete().map_err(told)
    }

    pub(super) fn start(name: &str) -> io::Result<()> {
        let none: &[&OsStr] = &[];
        open(name, ServiceAccess::START)?.start(none).map_err(told)
    }

    pub(super) fn stop(name: &str) -> io::Result<()> {
        let service = open(name, ServiceAccess::STOP)?;
        service.stop().map_err(told).map(|_| ())
    }

    pub(super) fn is_up(name: &str) -> io::Result<bool> {
        let service = open(name, ServiceAccess::QUERY_STATUS)?;
        let status = service.query_status().map_err(told)?;
        Ok(status.current_state != ServiceState::Stopped)
    }

    /// What the system's call, which carries nothing of ours, is to do.
    static MAIN: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

    define_windows_service!(service_main, called);

    fn called(_arguments: Vec<OsString>) {
        let main = MAIN.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(main) = main {
            main();
        }
    }

    pub(super) fn dispatch(name: &str, main: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        *MAIN.lock().unwrap_or_else(PoisonError::into_inner) = Some(main);
        service_dispatcher::start(name, service_main).map_err(told)
    }

    pub(super) fn register(name: &str, on_stop: OnStop) -> io::Result<Box<dyn Report>> {
        let handler = move |control| match control {
            ServiceControl::Stop | ServiceControl::Shutdown => {
                on_stop();
                ServiceControlHandlerResult::NoError
            }
            ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
            _ => ServiceControlHandlerResult::NotImplemented,
        };
        let handle = service_control_handler::register(name, handler).map_err(told)?;
        Ok(Box::new(Registered(handle)))
    }

    #[derive(Debug)]
    struct Registered(ServiceStatusHandle);

    impl Report for Registered {
        fn state(&self, state: State) -> io::Result<()> {
            let (current_state, accepted) = match state {
                State::Starting => (ServiceState::StartPending, ServiceControlAccept::empty()),
                State::Running => (
                    ServiceState::Running,
                    ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN,
                ),
                State::Stopping => (ServiceState::StopPending, ServiceControlAccept::empty()),
                State::Stopped(_) => (ServiceState::Stopped, ServiceControlAccept::empty()),
            };
            let exit_code = match state {
                State::Stopped(code) if code != 0 => ServiceExitCode::ServiceSpecific(code.into()),
                _ => ServiceExitCode::NO_ERROR,
            };
            let wait_hint = match state {
                State::Starting | State::Stopping => PATIENCE,
                State::Running | State::Stopped(_) => Duration::ZERO,
            };
            let status = ServiceStatus {
                service_type: ServiceType::OWN_PROCESS,
                current_state,
                controls_accepted: accepted,
                exit_code,
                checkpoint: 0,
                wait_hint,
                process_id: None,
            };
            self.0.set_service_status(status).map_err(told)
        }
    }
}

#[cfg(not(windows))]
mod platform {
    use std::io::{self, ErrorKind};

    use super::{OnStop, Plan, Report};

    fn none<T>() -> io::Result<T> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn install(_plan: &Plan) -> io::Result<()> {
        none()
    }

    pub(super) fn uninstall(_name: &str) -> io::Result<()> {
        none()
    }

    pub(super) fn start(_name: &str) -> io::Result<()> {
        none()
    }

    pub(super) fn stop(_name: &str) -> io::Result<()> {
        none()
    }

    pub(super) fn is_up(_name: &str) -> io::Result<bool> {
        none()
    }

    pub(super) fn dispatch(_name: &str, _main: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        none()
    }

    pub(super) fn register(_name: &str, _on_stop: OnStop) -> io::Result<Box<dyn Report>> {
        none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let mut plan = Plan::new("swarmcopy", "program".into());
        plan.password = Some("secret".into());
        assert!(!format!("{plan:?}").contains("secret"));
    }

    #[test]
    fn what_is_not_there_cannot_be_started_or_removed() {
        let name = "swarmcopy-that-nobody-made";
        for done in [start(name), stop(name), uninstall(name)] {
            assert!(done.is_err());
        }
    }

    #[test]
    fn a_process_that_the_system_did_not_start_is_no_service() {
        assert!(dispatch("swarmcopy", Box::new(|| {})).is_err());
    }

    /// wine has a service manager of its own.
    #[cfg(windows)]
    #[test]
    fn a_service_is_made_and_removed() {
        let name = format!("swarmcopy-test-{}", std::process::id());
        let mut plan = Plan::new(&name, std::env::current_exe().unwrap());
        plan.arguments = vec!["an argument".into()];
        install(&plan).unwrap();
        assert!(install(&plan).is_err());
        assert!(!is_up(&name).unwrap());
        uninstall(&name).unwrap();
    }
}
