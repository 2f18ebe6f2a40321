using YamlDotNet.RepresentationModel;

YamlStream yaml = [new YamlDocument(new YamlMappingNode(Environment.GetEnvironmentVariable("GREETING") ?? "answer", args.Length > 0 ? args[0] : "none"))];
yaml.Save(Console.Out, assignAnchors: false);
