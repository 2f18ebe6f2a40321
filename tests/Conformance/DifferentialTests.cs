using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;
using Xunit.Abstractions;

namespace Kimg.Conformance;

/// <summary>Builds every case with the BuildKit of this machine and with kimg, and compares the images file by file: <c>./build.sh differential</c>. It says how
/// many cases were compared; a machine without BuildKit compares none and says so.</summary>
public sealed class DifferentialTests(Machine machine, ITestOutputHelper output) : IClassFixture<Machine>
{
    private const string Summary = "artifacts/test-results/differential.txt";

    [Fact]
    [Trait("Category", "Differential")]
    public async Task Builds_what_the_BuildKit_of_this_machine_builds()
    {
        List<string> report = [];
        int same = 0, different = 0, byHand = 0;
        Peer? peer = await Peer.FindAsync();
        if (peer is not null) machine.UsePeer(peer);
        foreach (string name in peer is null ? [] : BuildCase.Names)
        {
            BuildCase build = BuildCase.Read(name);
            JsonObject ours = await machine.ResultAsync(name);
            if (build.IsByHand)
            {
                byHand++;
                continue;
            }

            if (Expectation.Compare(await machine.AskAsync(build), ours) is { Count: > 0 } differences)
            {
                different++;
                report.Add($"{name}: BuildKit (-) and kimg (+) differ:\n{string.Join('\n', differences)}");
            }
            else
            {
                same++;
            }
        }

        report.Add(peer is null
            ? $"differential: 0 of {BuildCase.Names.Count} cases compared: BuildKit not installed, or not running (docker buildx, buildctl)"
            : $"differential: {same + different} of {BuildCase.Names.Count} cases compared with {peer.Version}: {same} same, {different} different; {byHand} by hand");
        Directory.CreateDirectory(RepositoryFiles.Path("artifacts/test-results"));
        await File.WriteAllTextAsync(RepositoryFiles.Path(Summary), string.Join('\n', report) + "\n");
        report.ForEach(output.WriteLine);
        Assert.Equal(0, different);
    }

    [Fact]
    public void The_options_of_buildx_are_told_to_buildctl_in_its_own_words() => Assert.Equal(
        [
            "build", "--frontend=dockerfile.v0", "--local=lib=/c/lib", "--opt=context:lib=local:lib", "--opt=context:base=docker-image://r/b", "--secret=id=s,src=/s",
            "--opt=build-arg:A=b=c", "--opt=label:l=v", "--opt=target=t", "--opt=platform=linux/arm64", "--opt=add-hosts=h=1.2.3.4", "--progress=plain",
            "--local=dockerfile=/c", "--opt=filename=Dockerfile", "--output=type=oci,tar=false,dest=/c/image", "--local=context=/c/context",
        ],
        BuildctlArguments.Of(
        [
            "--build-context=lib=/c/lib", "--build-context=base=docker-image://r/b", "--secret=id=s,src=/s", "--build-arg=A=b=c", "--label=l=v", "--target=t",
            "--platform=linux/arm64", "--add-host=h:1.2.3.4", "--progress=plain", "--provenance=false", "-f", "/c/Dockerfile", "-o", "type=oci,tar=false,dest=/c/image",
            "/c/context",
        ]));
}
