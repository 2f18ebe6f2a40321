using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Whether a Dockerfile asks for the publish output, or has a stage of that name.</summary>
public sealed class PublishContextsTests
{
    [Theory]
    [InlineData("FROM a\nCOPY --from=publish . /app/", true)]
    [InlineData("FROM a\nCOPY --from=Publish . /app/", true)]
    [InlineData("FROM a\nRUN --mount=from=b,target=/b --mount=type=bind,from=publish,target=/p true", true)]
    [InlineData("FROM --platform=$BUILDPLATFORM publish", true)]
    [InlineData("FROM \\\n  publish", true)]
    [InlineData("FROM publish-${TARGETARCH} AS publish\nFROM a\nCOPY --from=publish . /app/", true)]
    [InlineData("FROM a\nCOPY --from=publish-amd64 . /app/", true)]
    [InlineData("FROM a AS build\nFROM build AS publish\nFROM a\nCOPY --from=publish /app/publish .", false)]
    [InlineData("FROM a AS Publish\nFROM a\nCOPY --from=publish /app/publish .", false)]
    [InlineData("FROM a AS publish\nFROM publish", false)]
    [InlineData("FROM a AS publish-amd64\nFROM a AS publish-arm64\nFROM publish-${TARGETARCH}", false)]
    [InlineData("FROM a AS publish-amd64\nFROM a\nCOPY --from=publish-amd64 . /app/", false)]
    [InlineData("FROM a\n# COPY --from=publish . /app/", false)]
    [InlineData("FROM a\nCOPY --from=publish/image . /app/", false)]
    [InlineData("FROM publisher/image", false)]
    [InlineData("FROM a\nCOPY publish /app/", false)]
    [InlineData("COPPY --from=publish", false)]
    public void The_publish_output_is_taken_where_it_is_named_and_no_stage_is(string dockerfile, bool used) =>
        Assert.Equal(used, PublishContexts.Of(dockerfile, "Dockerfile").AreUsed);

    [Fact]
    public void A_stage_keeps_its_name_whatever_is_published()
    {
        PublishContexts contexts = PublishContexts.Of("FROM a AS Publish\nFROM a AS publish-arm64\nFROM publish-amd64", "Dockerfile");
        Assert.Equal((true, true, false), (contexts.IsStage("publish"), contexts.IsStage("publish-arm64"), contexts.IsStage("publish-amd64")));
    }
}
