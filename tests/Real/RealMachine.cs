using Kimg.TestKit;
using Xunit;

namespace Kimg.Real;

/// <summary>What all real builds share: a user, a registry that is not ours, and the bases in it.</summary>
public sealed class RealMachine : IAsyncLifetime
{
    private DebianRegistry? _registry;
    private UnprivilegedUser? _user;

    public UnprivilegedUser User => _user ?? throw new InvalidOperationException("the machine is not ready");

    public string Registry => _registry?.Host ?? throw new InvalidOperationException("the machine is not ready");

    public string Base(string name) => $"{Registry}/base/{name}";

    public async Task InitializeAsync()
    {
        _registry = await DebianRegistry.StartAsync();
        await HostProgram.MustAsync(
            "bash", RepositoryFiles.Path("tests/Bases/make.sh"), "--push", Registry, "busybox", "debian", "node", "dotnet-runtime", "dotnet-sdk");
        _user = await UnprivilegedUser.CreateAsync();
    }

    public async Task DisposeAsync()
    {
        if (_user is not null)
            await _user.DisposeAsync();
        _registry?.Dispose();
    }

    /// <summary>Builds a sample as the user and pushes it.</summary>
    /// <returns>The image, as skopeo pulled and tar unpacked it.</returns>
    public async Task<PulledImage> BuildAsync(string sample, params string[] buildArguments)
    {
        string context = $"{User.Home}/{sample}", name = $"{Registry}/real/{sample}:latest";
        await User.GiveAsync(RepositoryFiles.Path($"samples/{sample}"), context);
        ProgramResult build = await User.KimgAsync(
            ["build", "--progress", "plain", .. buildArguments.SelectMany(a => new[] { "--build-arg", a }), "-t", name, "--push", context]);
        build.OutputOrThrow();
        return await PulledImage.PullAsync(name);
    }
}
