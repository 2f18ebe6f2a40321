namespace Kimg.Engine.Primitives;

/// <summary>Every error kimg can report. The number is stable, prints as <c>KIMGnnnn</c>, and its thousand gives the exit code
/// (<see cref="ErrorCodes.ToExitCode"/>). One page per code in docs/errors.</summary>
public enum ErrorCode
{
    // 1xxx usage: exit code 2
    InvalidArgument = 1001,
    InvalidPlatform = 1002,
    InvalidReference = 1003,
    InvalidDigest = 1004,
    InvalidOutput = 1005,
    InvalidCacheOption = 1006,
    UnsupportedFeature = 1007,
    ContextNotFound = 1008,
    ContextUnreadable = 1009,
    InvalidSecret = 1010,
    InvalidConfigurationFile = 1011,
    EntitlementNeeded = 1012,

    // 11xx: a project as MSBuild sees it
    InvalidProjectProperty = 1101,
    InvalidProjectTag = 1102,
    UnsupportedProject = 1103,
    UnsupportedBuildHost = 1104,
    UnusedProjectSetting = 1105,

    // 2xxx Dockerfile: exit code 3
    DockerfileNotFound = 2001,
    DockerfileSyntax = 2002,
    UnknownInstruction = 2003,
    UnknownFlag = 2004,
    InvalidInstruction = 2005,
    UnknownStage = 2006,
    InvalidExpansion = 2007,
    UnsupportedFrontend = 2008,
    LintFailed = 2009,
    FileNotFoundInContext = 2010,
    ChecksumMismatch = 2011,
    InvalidIgnoreFile = 2012,
    InvalidCopy = 2013,
    UnknownUser = 2014,
    CircularDependency = 2015,

    // 3xxx a step failed: exit code 4
    StepFailed = 3001,
    StepNotStarted = 3002,
    SecretMissing = 3003,
    FileChangedDuringBuild = 3004,
    StepOutOfMemory = 3005,

    // 4xxx registry, network, authentication: exit code 5
    RegistryUnreachable = 4001,
    AuthenticationFailed = 4002,
    AccessDenied = 4003,
    ImageNotFound = 4004,
    PlatformNotFound = 4005,
    DigestMismatch = 4006,
    RegistryRefused = 4007,
    InvalidManifest = 4008,
    TooManyRequests = 4009,
    CredentialHelperFailed = 4010,
    TlsFailed = 4011,
    DownloadFailed = 4012,
    GitFailed = 4013,
    UnsafeArchive = 4014,
    ContentMissing = 4015,
    ImageMoved = 4016,

    // 5xxx the host cannot sandbox: exit code 6
    NoSandbox = 5001,
    SandboxFailed = 5002,
    ForeignArchitecture = 5003,
    WorkerFailed = 5004,
    ProgramMissing = 5005,

    // 6xxx verification or policy: exit code 7
    VerificationFailed = 6001,
    PolicyViolation = 6002,

    // 7xxx storage: exit code 8
    DiskFull = 7001,
    StoragePermission = 7002,
    StoreCorrupt = 7003,
    StorageFailed = 7004,

    // 8xxx interrupted: exit code 130
    Interrupted = 8001,

    // 9xxx internal: exit code 1
    Internal = 9001,
}
