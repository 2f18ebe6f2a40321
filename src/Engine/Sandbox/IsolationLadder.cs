using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Which rung to take, from what can be read without trying; trying is then done by starting on it, and <see cref="Refused"/> explains a refusal.</summary>
internal sealed class IsolationLadder
{
    private const int CapSysAdmin = 21;
    private readonly FeatureMask _without;

    /// <param name="user">For whom; null: the user of this process.</param>
    /// <param name="group">The user's primary group.</param>
    internal IsolationLadder(FeatureMask without, uint? user = null, uint? group = null)
    {
        _without = without;
        UserId = user ?? Credentials.EffectiveUserId;
        UserName = IdMapping.NameOf(UserId);
        MapPrograms = IdMapPrograms.Find(without);
        Mapping = IdMapping.Find(UserId, group ?? Credentials.EffectiveGroupId, UserName is null ? [] : [UserName]);
    }

    internal uint UserId { get; }

    internal string? UserName { get; }

    internal IdMapPrograms MapPrograms { get; init; }

    /// <summary>null: /etc/subuid or /etc/subgid has nothing for the user.</summary>
    internal IdMapping? Mapping { get; }

    internal string Who => UserName ?? $"{UserId}";

    /// <exception cref="KimgException">None can work, with what to do about it.</exception>
    internal IsolationMode Choose(string isolation) => isolation switch
    {
        "auto" when RootProblem is null => IsolationMode.Root,
        "auto" or "userns" when UserNamespaceProblem is null => IsolationMode.UserNamespace,
        "root" when RootProblem is null => IsolationMode.Root,
        "auto" or "userns" => throw Impossible(UserNamespaceProblem!.Value),
        "root" => throw Impossible(RootProblem!.Value),
        _ => throw new KimgException(ErrorCode.InvalidArgument, $"unknown isolation '{isolation}'") { Hint = "known are auto, root and userns" },
    };

    /// <summary>As <see cref="Choose"/>; null where it throws.</summary>
    internal IsolationMode? TryChoose(string isolation) => isolation switch
    {
        "auto" or "root" when RootProblem is null => IsolationMode.Root,
        "auto" or "userns" when UserNamespaceProblem is null => IsolationMode.UserNamespace,
        _ => null,
    };

    internal (string What, string Fix)? RootProblem
    {
        get
        {
            if (_without.HasFlag(FeatureMask.Root)) return ("masked", "unset KIMG_TEST_WITHOUT");
            return (Credentials.Capabilities().Effective >> CapSysAdmin & 1) == 1 ? null
                : ("this process has no CAP_SYS_ADMIN", "none needed: an unprivileged user builds with --isolation userns");
        }
    }

    internal (string What, string Fix)? UserNamespaceProblem
    {
        get
        {
            if (_without.HasFlag(FeatureMask.UserNamespace)) return ("masked", "unset KIMG_TEST_WITHOUT");
            if (MapPrograms is not { NewUidMap: not null, NewGidMap: not null })
                return ("newuidmap and newgidmap are not installed", "install the package uidmap (Fedora and Alpine: shadow-utils, shadow-subids)");
            if (Mapping is null)
                return ($"/etc/subuid and /etc/subgid give '{Who}' no ids", $"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {Who}");
            return Sysctl("user/max_user_namespaces") == "0" ? ("user namespaces are switched off", "sysctl -w user.max_user_namespaces=15000")
                : Sysctl("kernel/unprivileged_userns_clone") == "0" && UserId != 0 ? ("user namespaces are kept from users", "sysctl -w kernel.unprivileged_userns_clone=1")
                : null;
        }
    }

    /// <summary>A name for how owners are written on disk: directories made under one id map are wrong under another.</summary>
    internal string Owners(IsolationMode mode) => mode == IsolationMode.Root ? "real"
        : "ids-" + Digest.Sha256(string.Join(',', Mapping?.Users) + ";" + string.Join(',', Mapping?.Groups)).Hex[..12];

    /// <summary>Why the kernel or newuidmap refused, as far as it can be told.</summary>
    internal KimgException Refused(IsolationMode mode, SyscallException error)
    {
        string hint = Credentials.SeccompMode != 0
            ? "a seccomp filter is active here: run the container with one that allows unshare and mount (docker: --security-opt seccomp=unconfined)"
            : Sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1"
                ? "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or install an AppArmor profile with 'userns,' for kimg"
                : Credentials.NoNewPrivileges ? "no_new_privs is set, so newuidmap cannot help: run kimg without it (Kubernetes: allowPrivilegeEscalation: true)"
                    : "kimg doctor shows what this host allows";
        return new KimgException(ErrorCode.NoSandbox, $"this host refuses isolation '{mode.Name()}': {error.Message.ReplaceLineEndings(" ")}", error) { Hint = hint };
    }

    private static KimgException Impossible((string What, string Fix) problem) =>
        new(ErrorCode.NoSandbox, $"RUN cannot be isolated here: {problem.What}") { Hint = problem.Fix };

    private static string? Sysctl(string name)
    {
        string path = "/proc/sys/" + name;
        return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
    }
}
