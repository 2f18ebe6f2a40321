using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>The name of a cache that was given none.</summary>
public sealed class ScopeTests
{
    private static readonly BuildRequest s_request = new() { Context = new EmptyContext(), Names = [ImageReference.Parse("r.example/team/app:1")] };

    [Fact]
    public void Images_whose_names_differ_in_a_sign_only_have_two_caches() =>
        Assert.NotEqual(CacheStores.ScopeOf(s_request), CacheStores.ScopeOf(s_request with { Names = [ImageReference.Parse("r.example/team-app:1")] }));

    [Fact]
    public void The_tag_of_an_image_does_not_count() =>
        Assert.Equal(CacheStores.ScopeOf(s_request), CacheStores.ScopeOf(s_request with { Names = [ImageReference.Parse("r.example/team/app:2")] }));

    [Fact]
    public void A_name_that_an_output_gives_counts_like_one_of_the_image()
    {
        BuildRequest named = s_request with { Names = [], Outputs = [new OutputSpec { Type = OutputType.Image, Push = true, Names = ["r.example/team/app:2"] }] };
        Assert.Equal(CacheStores.ScopeOf(s_request), CacheStores.ScopeOf(named));
        Assert.NotEqual(CacheStores.ScopeOf(named), CacheStores.ScopeOf(named with { Outputs = [] }));
    }

    [Fact]
    public void Targets_have_caches_of_their_own() => Assert.Equal(3, new[]
    {
        s_request, s_request with { Target = "test" }, s_request with { Target = "build" },
    }.Select(CacheStores.ScopeOf).Distinct().Count());

    [Fact]
    public void Platforms_have_caches_of_their_own_whatever_their_order()
    {
        Platform arm = new("linux", "arm64"), host = Platform.Host;
        BuildRequest both = s_request with { Platforms = [host, arm] };
        Assert.Equal(CacheStores.ScopeOf(s_request), CacheStores.ScopeOf(s_request with { Platforms = [host] }));
        Assert.Equal(CacheStores.ScopeOf(both), CacheStores.ScopeOf(both with { Platforms = [arm, host] }));
        Assert.Equal(3, new[] { s_request, s_request with { Platforms = [arm] }, both }.Select(CacheStores.ScopeOf).Distinct().Count());
    }

    [Fact]
    public void It_is_a_name_for_every_service_and_one_that_people_can_read()
    {
        string scope = CacheStores.ScopeOf(s_request with { Target = "a b/c", Platforms = [new("linux", "arm", "v7")] });
        Assert.Matches("^r.example-team-app_a-b-c_linux-arm-v7_[0-9a-f]{8}$", scope);
    }
}
