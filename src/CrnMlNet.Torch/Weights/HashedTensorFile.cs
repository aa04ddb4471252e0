using System.Security.Cryptography;

namespace CrnMlNet.Torch.Weights;

/// <summary>Reads a network's weights together with the hash of their file.</summary>
internal static class HashedTensorFile
{
    private const int DigitsShown = 16;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should hold, for messages.</param>
    /// <param name="read">Reads it.</param>
    /// <returns>What was read, and the file's SHA-256 in small hexadecimal digits.</returns>
    /// <exception cref="FormatException">The file is damaged, or holds something else.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static (T Content, string Sha256) Read<T>(string path, string what, Func<TensorFile, T> read)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"{what}, '{path}', does not exist{(Directory.Exists(path) ? " as a file: it is a folder" : "")}.", path);
        try
        {
            string sha256;
            using (var stream = File.OpenRead(path))
                sha256 = Convert.ToHexStringLower(SHA256.HashData(stream));
            using var file = TensorFile.Open(path);
            return (read(file), sha256);
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{path}' cannot be read as {what}: {e.Message}", e);
        }
    }

    /// <summary>The first digits of a hash, for names.</summary>
    public static string Short(string sha256) => sha256[..DigitsShown];
}
