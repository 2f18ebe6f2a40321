namespace Kimg.Engine.Build;

/// <summary>Where things are below the state directory. The content store keeps its own folders there too (docs/architecture.md lists them all).</summary>
internal sealed record StateLayout(string Root)
{
    /// <summary>Results by cache key.</summary>
    public string Records => Path.Combine(Root, "cache", "records");

    /// <summary>Blobs a layer was exported as, by the layer's id.</summary>
    public string Layers => Path.Combine(Root, "cache", "layers");

    /// <summary>Caches that every build looks into, by digest of where they came from.</summary>
    public string Imported => Path.Combine(Root, "cache", "imported");

    /// <summary>What tags last resolved to, and images built here, by name.</summary>
    public string Images => Path.Combine(Root, "images");

    /// <summary>Content digests of contexts, a file per directory.</summary>
    public string Contexts => Path.Combine(Root, "contexts");

    /// <summary>Bare git repositories, one per remote, and the keys of ssh hosts met.</summary>
    public string Git => Path.Combine(Root, "git");

    /// <summary>What web servers said of the files fetched from them, by digest of the URL.</summary>
    public string Http => Path.Combine(Root, "cache", "http");

    /// <summary>Directories of layers, by driver and owner encoding.</summary>
    public string Snapshots => Path.Combine(Root, "snapshots");

    /// <summary>Cache mounts.</summary>
    public string Mounts => Path.Combine(Root, "mounts");

    /// <summary>The worker's scratch space.</summary>
    public string Sandbox => Path.Combine(Root, "sandbox");

    /// <summary>Held shared by every build, and alone by who removes directories and records.</summary>
    public string BuildsLock => Path.Combine(Root, "builds.lock");

    /// <summary>Files being written, before they get their places.</summary>
    public string Ingest => Path.Combine(Root, Content.StoreLayout.IngestName);

    /// <summary>Things of one build, removed when it ends; what a killed build left is swept later.</summary>
    public string Temporary => Path.Combine(Root, "tmp");
}
