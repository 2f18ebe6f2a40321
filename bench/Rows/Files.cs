namespace Kimg.Bench.Rows;

internal static class Files
{
    /// <summary>20,000 files of 10 kB in 100 directories; a quarter does not compress. The same bytes every time.</summary>
    public static async Task ManyAsync(string directory)
    {
        Random random = new(20_000);
        byte[] content = new byte[10_000];
        for (int i = 0; i < 20_000; i++)
        {
            string folder = Path.Combine(directory, $"{i / 200:d3}");
            Directory.CreateDirectory(folder);
            random.NextBytes(content);
            if (i % 4 != 0)
            {
                // Text, as source is: letters of a small alphabet.
                for (int b = 0; b < content.Length; b++)
                    content[b] = (byte)" \nabcdefghijklmn"[content[b] & 15];
            }

            await File.WriteAllBytesAsync(Path.Combine(folder, $"{i:d5}"), content);
        }
    }

    /// <summary>A builder's name as part of a repository's.</summary>
    public static string Slug(Builder builder) => builder.Name.Replace(' ', '-');
}
