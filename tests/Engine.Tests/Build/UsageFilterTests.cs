using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Build;

public sealed class UsageFilterTests
{
    [Theory]
    [InlineData("mutable", "cache mount context")]
    [InlineData("mutable=true", "cache mount context")]
    [InlineData("immutable=false", "cache mount context")]
    [InlineData("immutable", "blob index named record snapshot tar")]
    [InlineData("mutable!=true", "blob index named record snapshot tar")]
    [InlineData("shared", "named")]
    [InlineData("shared=1", "named")]
    [InlineData("private", "blob cache mount context index record snapshot tar")]
    [InlineData("private=0", "named")]
    [InlineData("inuse", "named")]
    [InlineData("inuse=false", "blob cache mount context index record snapshot tar")]
    [InlineData("parents", "")]
    [InlineData("parents=sha256:aa", "")]
    [InlineData("parents!=sha256:aa", "blob cache mount context index named record snapshot tar")]
    [InlineData("type=regular", "blob named snapshot tar")]
    [InlineData("type==internal", "index record")]
    [InlineData("type!=regular", "cache mount context index record")]
    [InlineData("type~=^source", "context")]
    [InlineData("type=source.git.checkout", "")]
    [InlineData("type=frontend", "")]
    [InlineData("type", "blob cache mount context index named record snapshot tar")]
    [InlineData("id=med", "named")]
    [InlineData("id==named", "named")]
    [InlineData("id!=named", "blob cache mount context index record snapshot tar")]
    [InlineData("id~=^.a", "cache mount named tar")]
    [InlineData("kind=cache mount", "cache mount")]
    [InlineData("description", "named")]
    [InlineData("description~=of a", "named")]
    public void A_filter_of_BuildKit_has_a_meaning_here(string text, string ids)
    {
        UsageItem[] items =
        [
            .. new[] { "blob", "cache mount", "context", "index", "cache record", "snapshot", "tar" }
                .Select(kind => new UsageItem(kind, kind.Split("cache ")[^1] is "record" ? "record" : kind, 1, default, InUse: false, "")),
            new UsageItem("blob", "named", 1, default, InUse: true, "of a named image") { Shared = true },
        ];
        var filter = UsageFilter.Parse(text, TimeSpan.Parse);
        Assert.Equal(ids, string.Join(' ', items.Where(filter.Holds).Select(item => item.Id).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("type=source.git.checkout")]
    [InlineData("mutable")]
    public void A_git_repository_is_of_BuildKits_type_for_it(string text) => Assert.True(
        UsageFilter.Parse(text, TimeSpan.Parse).Holds(new UsageItem("git repository", "x", 1, default, InUse: false, "")));

    [Theory]
    [InlineData("bogus=1")]
    [InlineData("type=bogus")]
    [InlineData("mutable=perhaps")]
    [InlineData("mutable~=t")]
    [InlineData("id~=[ab]")]
    [InlineData("until")]
    [InlineData("=1")]
    [InlineData("id=")]
    [InlineData("id==")]
    [InlineData("id!=")]
    [InlineData("id~=")]
    [InlineData("id~=^")]
    [InlineData("id~=$")]
    [InlineData("kind!=")]
    [InlineData("description=")]
    [InlineData("parents=")]
    [InlineData("type~=")]
    [InlineData("inuse=")]
    [InlineData("until=")]
    public void A_filter_that_means_nothing_is_an_error(string text) =>
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<KimgException>(() => UsageFilter.Parse(text, TimeSpan.Parse)).Code);
}
