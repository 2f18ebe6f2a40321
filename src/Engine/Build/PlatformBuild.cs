using Kimg.Engine.Dockerfile;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>One platform's image before it is exported.</summary>
internal sealed record PlatformBuild(Platform Platform, FrontendResult Frontend, Snapshot Root);
