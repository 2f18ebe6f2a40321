using System.Collections;
using System.Reflection;
using System.Text;
using Kimg.Cli.Kaniko;
using Kimg.Cli.Tests.Progress;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Oci;
using Xunit;

namespace Kimg.Cli.Tests.Kaniko;

/// <summary>A flag that is neither refused nor said to change nothing changes what is asked of the engine, what is written, or what is shown.</summary>
public sealed class HonouredFlagTests
{
    private const string Cached = "--cache", Repository = "-c git://git.example/a", WithToken = Repository + " --git-token-file=file";

    /// <summary>By flag: its value, and what it needs beside it.</summary>
    private static readonly Dictionary<string, (string Value, string Beside)> s_samples = new()
    {
        ["context"] = ("other", ""), ["context-sub-path"] = ("sub", ""), ["dockerfile"] = ("other/Dockerfile", ""), ["destination"] = ("r.example/b", ""), ["target"] = ("stage", ""),
        ["build-arg"] = ("A=b", ""), ["label"] = ("a=b", ""), ["annotation"] = ("a=b", ""), ["secret"] = ("id=a,env=A", ""),
        ["custom-platform"] = ("linux/riscv64", ""), ["customPlatform"] = ("linux/riscv64", ""),
        ["no-push"] = ("", ""), ["tar-path"] = ("a.tar", ""), ["tarPath"] = ("a.tar", ""), ["oci-layout-path"] = ("layout", ""),
        ["digest-file"] = ("written", ""), ["image-name-with-digest-file"] = ("written", ""), ["image-name-tag-with-digest-file"] = ("written", ""),
        ["compression"] = ("zstd", ""), ["compression-level"] = ("3", ""), ["image-format"] = ("docker", ""), ["reproducible"] = ("", ""), ["timestamp"] = ("7", ""),
        ["cache"] = ("", ""), ["cache-repo"] = ("r.example/c", Cached), ["cache-dir"] = ("kept", Cached), ["cache-ttl"] = ("6h", Cached), ["no-push-cache"] = ("", Cached),
        ["export-cache"] = ("type=inline", ""), ["import-cache"] = ("type=registry,ref=r.example/c", ""),
        ["insecure"] = ("", ""), ["skip-tls-verify"] = ("", ""), ["insecure-registry"] = ("b.example", ""), ["skip-tls-verify-registry"] = ("b.example", ""),
        ["registry-certificate"] = ("r.example=file", ""), ["registry-client-cert"] = ("r.example=file,file", ""), ["registry-mirror"] = ("m.example", ""), ["registry-map"] = ("q.example=m.example", ""),
        ["push-retry"] = ("9", ""), ["image-download-retry"] = ("9", ""), ["image-fs-extract-retry"] = ("9", ""),
        ["git"] = ("branch=b", Repository), ["git-branch"] = ("b", Repository), ["git-revision"] = ("c0ffee", Repository), ["git-token-file"] = ("file", Repository), ["git-token-user"] = ("bot", WithToken),
        ["verbosity"] = ("error", ""), ["log-timestamp"] = ("", ""), ["kaniko-dir"] = ("kept", ""), ["storage-driver"] = ("native", ""),
    };

    public static TheoryData<string> Flags() => [.. KanikoFlags.All.Where(f => f.Meaning == KanikoMeaning.Honoured).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Flags))]
    public async Task It_changes_what_is_asked_for(string name)
    {
        Assert.True(s_samples.TryGetValue(name, out (string Value, string Beside) sample), $"no sample for --{name}");
        string[] line = ["-c", "app", "-d", "r.example/a:1", .. sample.Beside.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        string flag = "--" + name + (sample.Value.Length == 0 ? "" : "=" + sample.Value);
        Assert.NotEqual(await OutcomeAsync(line), await OutcomeAsync([.. line, flag]));
    }

    [Theory]
    [InlineData("--force")]
    [InlineData("--snapshot-mode=time")]
    public async Task One_that_is_said_to_change_nothing_does_so(string flag)
    {
        string[] line = ["-c", "app", "-d", "r.example/a:1"];
        Assert.Equal(await OutcomeAsync(line), await OutcomeAsync([.. line, flag]));
    }

    /// <summary>Everything that a line leads to, as text.</summary>
    private static async Task<string> OutcomeAsync(string[] line)
    {
        using TestHost host = new();
        host.Environment["A"] = "secret";
        foreach (string file in new[] { "app/Dockerfile", "app/sub/Dockerfile", "other/Dockerfile", "file" }) host.Write(file, "FROM scratch\n");
        host.Engine.Events = Recording.Failing().Events;
        int code = await host.RunAsync(KanikoCommandLine.Translate("executor", line));
        Assert.True(code == 0, host.Error);
        var text = new StringBuilder();
        Describe(host.Engine.Request, "request", text);
        Describe(host.EngineOptions, "options", text);
        foreach (string file in Directory.GetFiles(host.WorkingDirectory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            text.Append(file).Append(' ').Append(await File.ReadAllTextAsync(file)).Append('\n');
        return text.Append(host.Error).Replace(host.WorkingDirectory, "").ToString();
    }

    private static void Describe(object? value, string path, StringBuilder text)
    {
        switch (value)
        {
            case null or string or Enum or ImageReference or TimeSpan:
            case var other when other.GetType().IsPrimitive:
                text.Append(path).Append(" = ").Append(value).Append('\n');
                break;
            case IEnumerable many:
                int index = 0;
                foreach (object? item in many) Describe(item, $"{path}[{index++}]", text);
                break;
            default:
                text.Append(path).Append(": ").Append(value.GetType().Name).Append('\n');
                const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance;
                foreach (PropertyInfo property in value.GetType().GetProperties(Own).Where(p => p.GetIndexParameters().Length == 0))
                    Describe(property.GetValue(value), $"{path}.{property.Name}", text);
                foreach (FieldInfo field in value.GetType().GetFields(Own)) Describe(field.GetValue(value), $"{path}.{field.Name}", text);
                break;
        }
    }
}
