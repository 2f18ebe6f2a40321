using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>What is loaded where AppArmor keeps user namespaces: by the orb's install, and by the action; read by AppArmor's own parser.</summary>
public sealed partial class AppArmorTests
{
    // What AppArmor takes for patterns, variables and ends of words.
    private const string Odd = "tools {a,b}*[1]? @{HOME} \"x\" \\y ^z";

    [Theory]
    [InlineData("tools")]
    [InlineData(Odd)]
    public async Task The_orb_loads_a_profile_for_the_installed_binary_alone(string home)
    {
        using TempDirectory directory = new();
        ProgramResult result = await InstallAsync(directory, home, "auto", "1", $"printf '%s\\n' \"$*\" >'{directory["arguments"]}'\ncat >'{directory["seen"]}'\n");
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        string kimg = Path.Combine(directory.Path, home, ".local/bin/kimg");
        Assert.Equal("kimg\n", await HostProgram.MustAsync(kimg));
        Assert.Single(result.Output.Split('\n'), l => l == $"AppArmor: loaded a profile that allows user namespaces to {kimg} (isolation_setup: none forbids this)");
        Assert.Equal("-n apparmor_parser --replace --skip-cache\n", await File.ReadAllTextAsync(directory["arguments"]));
        await ParsesAsync(directory, kimg);
    }

    [Theory]
    [InlineData("none", "1")]
    [InlineData("auto", "0")]
    [InlineData("auto", null)]
    public async Task The_orb_loads_none_where_none_is_needed_or_wanted(string setup, string? sysctl)
    {
        using TempDirectory directory = new();
        ProgramResult result = await InstallAsync(directory, "home", setup, sysctl, $"touch '{directory["seen"]}'\n");
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.False(File.Exists(directory["seen"]));
        Assert.DoesNotContain("AppArmor", result.Output + result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_orb_cannot_load_it_install_says_why_and_what_to_do_and_goes_on()
    {
        using TempDirectory directory = new();
        ProgramResult result = await InstallAsync(directory, "home", "auto", "1", "cat >/dev/null\necho first >&2\necho 'sudo: a password is required' >&2\nexit 1\n");
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.Contains("no profile could be loaded (sudo: a password is required)", result.Errors, StringComparison.Ordinal);
        Assert.Contains("- run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("loaded a profile", result.Output, StringComparison.Ordinal);
        Assert.Contains(".local/bin", await File.ReadAllTextAsync(directory["env"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tools")]
    [InlineData(Odd)]
    public async Task Apparmor_reads_the_profile_of_the_action(string tools)
    {
        using ActionRun run = new();
        using TempDirectory directory = new();
        await MachineAsync(directory, "1", $"cat >'{directory["seen"]}'\n");
        string kimg = Path.Combine(Directory.CreateDirectory(directory[tools]).FullName, "kimg");
        await File.WriteAllTextAsync(kimg, "#!/bin/sh\n");
        await HostProgram.MustAsync("chmod", "-R", "a+rwX,a+x", directory.Path);
        await HostProgram.MustAsync("chmod", "-R", "a+rwX,a+x", Path.GetDirectoryName(run.Workspace)!);
        (run.Environment["KIMG_ACTION_BINARY"], run.Environment["KIMG_ACTION_USERNS_SYSCTL"]) = (kimg, directory["sysctl"]);
        run.Environment["PATH"] = $"{directory["programs"]}:{Environment.GetEnvironmentVariable("PATH")}";
        run.As = ["setpriv", "--reuid", "65534", "--clear-groups", "--"];
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        await ParsesAsync(directory, kimg);
    }

    /// <summary>Runs the script as a user who is not root, with a program in the place of sudo.</summary>
    private static async Task<ProgramResult> InstallAsync(TempDirectory directory, string home, string setup, string? sysctl, string sudo)
    {
        byte[] binary = "#!/bin/sh\necho kimg\n"u8.ToArray();
        byte[] script = await File.ReadAllBytesAsync(RepositoryFiles.Path("src/Action/install.sh"));
        using ScriptedServer server = new(request => request.Path switch
        {
            "/download/v1.2.3/install.sh" => new ScriptedAnswer(200, script),
            "/download/v1.2.3/kimg-linux-amd64" => new ScriptedAnswer(200, binary),
            "/download/v1.2.3/SHA256SUMS" => new ScriptedAnswer(200, $"{Digest.Sha256(binary).Hex}  kimg-linux-amd64\n"),
            _ => new ScriptedAnswer(404),
        });
        await MachineAsync(directory, sysctl, sudo);
        Directory.CreateDirectory(directory[home]);
        await File.WriteAllTextAsync(directory["env"], "");
        await HostProgram.MustAsync("chmod", "-R", "a+rwX,a+x", directory.Path);
        Dictionary<string, string> environment = new()
        {
            ["PARAM_VERSION"] = "1.2.3", ["PARAM_SHA256"] = "", ["PARAM_ISOLATION_SETUP"] = setup, ["KIMG_DOWNLOADS"] = $"http://{server.Host}", ["HOME"] = directory[home],
            ["BASH_ENV"] = directory["env"], ["KIMG_USERNS_SYSCTL"] = directory["sysctl"], ["PATH"] = $"{directory["programs"]}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        string[] bash = ["--reuid", "65534", "--clear-groups", "--", "bash", "-eo", "pipefail", RepositoryFiles.Path("circleci-orb/src/scripts/install.sh")];
        return await HostProgram.RunAsync("setpriv", bash, environment, directory.Path);
    }

    private static async Task MachineAsync(TempDirectory directory, string? sysctl, string sudo)
    {
        Directory.CreateDirectory(directory["programs"]);
        if (sysctl is not null) await File.WriteAllTextAsync(directory["sysctl"], sysctl + "\n");
        await File.WriteAllTextAsync(directory["programs/sudo"], "#!/bin/sh\n" + sudo);
    }

    /// <summary>AppArmor's parser takes the profile, as that of this path.</summary>
    private static async Task ParsesAsync(TempDirectory directory, string kimg)
    {
        string profile = await File.ReadAllTextAsync(directory["seen"]);
        Match parts = Profile().Match(profile);
        Assert.True(parts.Success, profile);
        // In quotes a backslash before a character makes it that character.
        Assert.Equal(kimg, Regex.Replace(parts.Groups[1].Value, @"\\(.)", "$1"));
        // The rule came with AppArmor 4: an older parser (Debian 12 has 3.0) checks all but this line and the version's.
        string version = await HostProgram.MustAsync("apparmor_parser", "--version");
        if (int.Parse(Regex.Match(version, @"version (\d+)").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) < 4)
            profile = profile.Replace("abi <abi/4.0>,\n", "abi <abi/3.0>,\n", StringComparison.Ordinal).Replace("  userns,\n", "", StringComparison.Ordinal);
        await File.WriteAllTextAsync(directory["profile"], profile);
        (await HostProgram.RunAsync("apparmor_parser", ["--skip-kernel-load", "--skip-cache", directory["profile"]])).OutputOrThrow();
        Assert.Equal("kimg\n", await HostProgram.MustAsync("apparmor_parser", "--names", directory["profile"]));
        // It would not take the path as it is.
        if (!kimg.Contains(' ', StringComparison.Ordinal)) return;
        await File.WriteAllTextAsync(directory["profile"], profile.Replace(parts.Groups[1].Value, "", StringComparison.Ordinal).Replace("\"\"", kimg, StringComparison.Ordinal));
        Assert.NotEqual(0, (await HostProgram.RunAsync("apparmor_parser", ["--skip-kernel-load", "--skip-cache", directory["profile"]])).ExitCode);
    }

    [GeneratedRegex("\\Aabi <abi/4.0>,\ninclude <tunables/global>\nprofile kimg \"(.*)\" flags=\\(unconfined\\) \\{\n  userns,\n\\}\n\\z")]
    private static partial Regex Profile();
}
