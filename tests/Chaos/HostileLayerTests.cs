using System.Formats.Tar;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Layers of a base image that attack whoever unpacks them: refused, or kept inside the image, with both drivers and as data only.</summary>
public sealed class HostileLayerTests
{
    // Nobody has such a file; whoever unpacks outside of the image makes it.
    private static readonly string s_outside = $"kimg-chaos-{Guid.NewGuid():N}";

    // An unsafe archive; a device that only root can make; no shell left to run the step.
    private static readonly string[] s_refusals = ["KIMG4014", "KIMG1007"];

    public static TheoryData<string, string> Attacks()
    {
        TheoryData<string, string> data = [];
        foreach (string name in s_attacks.Keys)
            foreach (string driver in new[] { "overlay", "native" }) data.Add(name, driver);
        return data;
    }

    private static readonly Dictionary<string, TarEntry[]> s_attacks = new()
    {
        ["climbing"] = [HostileBase.Text($"../../../../../../tmp/{s_outside}", "out")],
        ["absolute"] = [HostileBase.Text($"/tmp/{s_outside}", "in")],
        ["absolute symlink"] = [HostileBase.Link("a", "/tmp"), HostileBase.Text($"a/{s_outside}", "in")],
        ["climbing symlink"] = [HostileBase.Link("a", "../../../../../../../tmp"), HostileBase.Text($"a/{s_outside}", "in")],
        ["hard link up"] = [HostileBase.HardLink("stolen", "../../../../../../../../../../etc/shadow")],
        ["hard link through symlink"] = [HostileBase.Link("a", "/etc"), HostileBase.HardLink("stolen", "a/shadow")],
        ["hard link to nothing"] = [HostileBase.HardLink("stolen", "nothing/here")],
        ["device"] = [HostileBase.Device("disk")],
        ["file becomes directory and back"] =
            [HostileBase.Text("x", "1"), HostileBase.Folder("x/"), HostileBase.Text("x/y", "2"), HostileBase.Text("x", "3"), HostileBase.Text("x", "4")],
        ["whiteout of the root"] = [HostileBase.Text(".wh.", "")],
        ["whiteout that climbs"] = [HostileBase.Text(".wh...", ""), HostileBase.Text(".wh..", "")],
        ["opaque root"] = [HostileBase.Text(".wh..wh..opq", ""), HostileBase.Text("new", "new")],
        ["nul and newline"] = [HostileBase.Text("a\nb", "x")],
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task An_attack_is_refused_or_stays_inside(string attack, string driver)
    {
        await using TestRegistry registry = TestRegistry.Start();
        string image = await HostileBase.PushAsync(registry, s_attacks[attack]);
        using Scene scene = new(unprivileged: driver == "overlay");
        string shadow = await File.ReadAllTextAsync("/etc/shadow");

        scene.Dockerfile($"FROM {image}\nCOPY busybox /bin/sh\nRUN /bin/busybox true\n");
        scene.Own();
        await CheckAsync(scene, attack, "--storage-driver", driver, "-o", $"type=oci,dest={scene["image.tar"]}");

        scene.Dockerfile($"FROM {image}\nCOPY busybox /tmp/{s_outside}-copied\n");
        await CheckAsync(scene, attack, "-o", $"type=local,dest={scene["tree"]}");
        Assert.False(File.Exists($"/tmp/{s_outside}") || File.Exists($"/tmp/{s_outside}-copied") || File.Exists($"/{s_outside}"));
        Assert.Equal(shadow, await File.ReadAllTextAsync("/etc/shadow"));
        if (File.Exists(scene["tree/stolen"])) Assert.NotEqual(shadow, await File.ReadAllTextAsync(scene["tree/stolen"]));
    }

    private static async Task CheckAsync(Scene scene, string attack, params string[] options)
    {
        ProgramResult result = await scene.BuildAsync(options);
        Assert.True(
            result.ExitCode == 0 || s_refusals.Any(code => result.Errors.Contains($"ERROR {code}: ", StringComparison.Ordinal))
                || (attack == "opaque root" && result.Errors.Contains("/bin/busybox: not found", StringComparison.Ordinal)),
            $"{attack}: exit code {result.ExitCode}\n{result.Errors}");
        scene.AssertNothingLeft();
    }
}
